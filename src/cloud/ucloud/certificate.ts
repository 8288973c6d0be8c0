import type { Ms } from '#unit/clock.ts';
import { type Certificates, digestOf } from '../certificate.ts';
import { keepCertificate, listCertificates, removeCertificate } from './certificates.ts';
import { listLag, markedOnly } from './list-pages.ts';
import { oneAtATime } from './make-once.ts';
import { rememberRemoved } from './removed.ts';
import { deadlineIn } from './wire/deadline.ts';
import type { Wire } from './wire/transport.ts';

/** SSL certificates of the ULB family. @unit poll: pause between two looks at what was asked for */
export function ucloudCertificates(wire: Wire, poll: Ms): Certificates {
  const removed = rememberRemoved(listLag);
  const at = { wire, poll, removed };
  const alone = oneAtATime();
  return {
    keep: (wish, { within }) =>
      alone(`${wish.mark} ${wish.owner} ${digestOf(wish)}`, () => keepCertificate(at, wish, deadlineIn(within))),
    list: (mark, opts) => markedOnly(at, mark, opts, listCertificates),
    remove: (id, mark, { within }) => removed.note(id, removeCertificate(at, id, mark, deadlineIn(within))),
  };
}
