/** Our own, so that a Contour that somebody installed by upstream's manifests is left alone. */
export const ingressNamespace = 'isthmus-ingress';
/** The class that an Ingress names; Contour takes those without a class too. */
export const ingressClassName = 'contour';
/** Upstream's names: Contour looks for Envoy's Service by this one. */
export const envoyName = 'envoy';
export const contourName = 'contour';
