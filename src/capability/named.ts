/** Of a manifest, which has its name before it is applied. */
export type Named<T> = T & { readonly metadata: { readonly name: string } };
