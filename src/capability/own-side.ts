/**
 * `off` as a label of a Namespace or an annotation of a Service: our admission policy does not give it a preference for pods on the side of the
 * client.
 */
export const preferOwnSide = 'isthmus.dev/prefer-own-side';
