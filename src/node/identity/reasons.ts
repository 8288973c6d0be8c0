/**
 * Why a kubelet was refused a certificate, by the reason of the condition `Denied` of its CertificateSigningRequest, which is also the reason of the
 * Event and a label of the metric `isthmus_certificate_requests_total`; with what it means and what helps. `docs/reference/events.md` is made from it.
 */
export const denialReasons = {
  BadRequest:
    'The request is not what a kubelet sends: it cannot be read, or has parts that no certificate of a kubelet has.',
  WrongSubject:
    'The request is for another group than `system:nodes`, for several, or for a name that is not that of a node.',
  WrongNames:
    'A client certificate has no DNS names or addresses; a serving certificate has the name of its node alone, and addresses. The message says what was asked for.',
  WrongUsages: 'The request is for uses that a certificate of this kind does not have.',
  TooLong: 'The request is for more than a year.',
  NotAllowed:
    'Only a machine with a join token of Isthmus may ask for its first certificate, and only a node for its further ones. `isthmus up` gives tokens.',
  UnknownToken:
    'The join token was not made by Isthmus, or its machine has joined and the token was removed. Run `isthmus up` to let the machine join.',
  OtherMachine:
    'The join token, or the certificate of the node that asks, belongs to another machine. Somebody has taken it there.',
  TokenUsed:
    'The join token has been used already, with another key. When the machine itself tries again after a join that was cut short, run `isthmus up`: it lets the machine in once more.',
  NameTaken:
    'A node of this name is in the cluster. Where its machine was installed anew, run `isthmus up`: it lets the machine take the place of a node that is not ready.',
  UnknownMachine: 'Neither cluster.yaml nor the cloud has a machine of this name for this cluster, or it has no Node.',
  ForeignAddress:
    'A node asks for a certificate for an address that its machine does not have, by the word of cluster.yaml or of the cloud. The message names it.',
} as const satisfies Readonly<Record<string, string>>;

export type DenialReason = keyof typeof denialReasons;
