import { EINTR, NetlinkError } from './error.ts';
import { errno, sys } from './libc.ts';
import { type Message, NLMSG_ERROR, parseReplies, type Reply, u32, withHeader } from './message.ts';

/**
 * A netlink socket, of routes and links unless told. It belongs to the network namespace in which it was opened and stays there, whatever namespace
 * its owner enters later. The kernel answers inside `send`, so nothing here ever waits.
 */
export class Netlink {
  readonly #fd: number;
  readonly #in = Buffer.alloc(65_536);
  #sequence = 1;

  constructor(protocol: 'route' | 'netfilter' = 'route') {
    this.#fd = sys.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol === 'route' ? 0 : NETLINK_NETFILTER);
    if (this.#fd < 0) throw new NetlinkError('opening a netlink socket', errno());
    // Texts beside the error numbers, and no echo of the request in them.
    const on = u32(1);
    for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK]) sys.setsockopt(this.#fd, SOL_NETLINK, option, on, 4);
  }

  /**
   * Sends all messages at once and reads every acknowledgement. The kernel goes on after a message that failed: do not put
   * two into one call of which the second must not happen without the first.
   * @fails NetlinkError of the first message that was refused
   */
  request(doing: string, ...messages: readonly Message[]): void {
    const first = this.#send(doing, messages);
    this.#readAcknowledgements(doing, first, messages.length);
  }

  /**
   * As `request`, but the kernel's work happens on a thread of the pool: for what makes the kernel wait (removing links does).
   * One at a time on one socket.
   */
  async requestAside(doing: string, message: Message): Promise<void> {
    const first = this.#sequence++;
    const bytes = withHeader(message, first, NLM_F_REQUEST | NLM_F_ACK);
    await new Promise<void>((resolve, reject) => {
      sys.send.async(this.#fd, bytes, bytes.length, 0, (error: Error | null, sent: number) => {
        if (error !== null) reject(error);
        else if (sent < 0) reject(new NetlinkError(`${doing}: sending`, errno()));
        else resolve();
      });
    });
    this.#readAcknowledgements(doing, first, 1);
  }

  /**
   * Sends messages of which all happen or none: `begin` and `end` stand around them and are not acknowledged.
   * @fails NetlinkError of the first that was refused, or of the whole
   */
  transact(doing: string, begin: Message, messages: readonly Message[], end: Message): void {
    const first = this.#sequence;
    const bytes = [begin, ...messages, end].map((m, i) => {
      const acknowledged = i > 0 && i <= messages.length ? NLM_F_ACK : 0;
      return withHeader(m, this.#sequence++, NLM_F_REQUEST | acknowledged);
    });
    this.#write(doing, Buffer.concat(bytes));
    this.#readAcknowledgements(doing, first, messages.length, { forAll: first });
  }

  /** Asks for one object. @fails NetlinkError, ENODEV when a link does not exist */
  ask(doing: string, message: Message): Reply {
    const sequence = this.#sequence++;
    this.#write(doing, withHeader(message, sequence, NLM_F_REQUEST));
    for (;;)
      for (const reply of this.#read(doing)) {
        if (reply.sequence !== sequence) continue;
        throwIfRefused(doing, reply);
        return reply;
      }
  }

  /** All objects of a kind. @fails NetlinkError; Error when the list kept changing while it was read */
  dump(doing: string, message: Message): readonly Reply[] {
    for (let attempt = 0; attempt < 10; attempt++) {
      const replies = this.#dumpOnce(doing, message);
      if (replies !== undefined) return replies;
    }
    throw new Error(`${doing}: the kernel's list changed during each of 10 readings`);
  }

  close(): void {
    sys.close(this.#fd);
  }

  #dumpOnce(doing: string, message: Message): readonly Reply[] | undefined {
    const sequence = this.#sequence++;
    this.#write(doing, withHeader(message, sequence, NLM_F_REQUEST | NLM_F_DUMP));
    const found: Reply[] = [];
    let torn = false;
    for (;;)
      for (const reply of this.#read(doing)) {
        if (reply.sequence !== sequence) continue;
        torn ||= (reply.flags & NLM_F_DUMP_INTR) !== 0;
        throwIfRefused(doing, reply);
        if (reply.type === NLMSG_DONE) return torn ? undefined : found;
        found.push(reply);
      }
  }

  #send(doing: string, messages: readonly Message[]): number {
    const first = this.#sequence;
    const bytes = messages.map((m) => withHeader(m, this.#sequence++, NLM_F_REQUEST | NLM_F_ACK));
    this.#write(doing, Buffer.concat(bytes));
    return first;
  }

  #write(doing: string, bytes: Buffer): void {
    for (;;) {
      if (sys.send(this.#fd, bytes, bytes.length, 0) >= 0) return;
      if (errno() !== EINTR) throw new NetlinkError(`${doing}: sending`, errno());
    }
  }

  /** @unit forAll: the sequence number of which one acknowledgement stands for all */
  #readAcknowledgements(doing: string, first: number, count: number, { forAll }: { forAll?: number } = {}): void {
    let open = count;
    let refused: NetlinkError | undefined;
    while (open > 0)
      for (const reply of this.#read(doing)) {
        // An older number is what an earlier, failed reading left behind.
        if (reply.type !== NLMSG_ERROR || reply.sequence < first) continue;
        open -= reply.sequence === forAll ? count : 1;
        if (reply.error !== 0) refused ??= new NetlinkError(doing, reply.error, reply.text);
      }
    if (refused !== undefined) throw refused;
  }

  #read(doing: string): readonly Reply[] {
    const n = sys.recv(this.#fd, this.#in, this.#in.length, MSG_DONTWAIT);
    if (n < 0) throw new NetlinkError(`${doing}: reading the kernel's answer`, errno());
    return parseReplies(Buffer.from(this.#in.subarray(0, n)));
  }
}

function throwIfRefused(doing: string, reply: Reply): void {
  if (reply.type === NLMSG_ERROR && reply.error !== 0) throw new NetlinkError(doing, reply.error, reply.text);
}

// From linux/netlink.h and linux/socket.h.
const AF_NETLINK = 16;
const NETLINK_NETFILTER = 12;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const MSG_DONTWAIT = 0x40;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_DUMP = 0x300;
const NLMSG_DONE = 3;
