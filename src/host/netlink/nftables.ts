import { attr, cString, listAttrs, type Message, message, nest, parseAttrs, text } from './message.ts';
import type { Netlink } from './netlink.ts';

/** One chain that packets meet by themselves, at a hook of the kernel. */
export interface BaseChain {
  readonly family: number;
  readonly table: string;
  readonly name: string;
  readonly hook: number;
  readonly type: string;
  readonly policy: number | undefined;
}

export interface Expression {
  readonly name: string;
  readonly attrs: ReadonlyMap<number, Buffer>;
}

export interface Rule {
  readonly expressions: readonly Expression[];
  /** As `nft` shows it behind the rule; empty when there is none. */
  readonly comment: string;
}

export function baseChainsOf(nft: Netlink): readonly BaseChain[] {
  return nft.dump('reading chains of nftables', request(NFT_MSG_GETCHAIN, 0)).flatMap((reply) => {
    const attrs = parseAttrs(reply.body, 4);
    const hook = attrs.get(NFTA_CHAIN_HOOK);
    if (hook === undefined) return [];
    return {
      family: reply.body[0] as number,
      table: textIn(attrs, NFTA_CHAIN_TABLE),
      name: textIn(attrs, NFTA_CHAIN_NAME),
      hook: parseAttrs(hook, 0).get(NFTA_HOOK_HOOKNUM)?.readUInt32BE(0) ?? -1,
      type: textIn(attrs, NFTA_CHAIN_TYPE),
      policy: attrs.get(NFTA_CHAIN_POLICY)?.readUInt32BE(0),
    };
  });
}

/** The rules of one chain, in the order in which packets meet them; none when there is no such chain. */
export function rulesOf(nft: Netlink, { family, table, name }: ChainName): readonly Rule[] {
  const asked = request(NFT_MSG_GETRULE, family, attr(NFTA_RULE_TABLE, text(table)), attr(NFTA_RULE_CHAIN, text(name)));
  return nft
    .dump(`reading rules of ${table} ${name}`, asked)
    .map((reply) => parseAttrs(reply.body, 4))
    .filter((attrs) => textIn(attrs, NFTA_RULE_TABLE) === table && textIn(attrs, NFTA_RULE_CHAIN) === name)
    .map((attrs) => ({
      expressions: listIn(attrs.get(NFTA_RULE_EXPRESSIONS)).map(parseExpression),
      comment: commentIn(attrs.get(NFTA_RULE_USERDATA)),
    }));
}

export type ChainName = Pick<BaseChain, 'family' | 'table' | 'name'>;

/** Performs changes of nftables, all or none. @fails NetlinkError */
export function changeNftables(nft: Netlink, doing: string, ...changes: readonly Message[]): void {
  nft.transact(doing, batch(NFNL_MSG_BATCH_BEGIN), changes, batch(NFNL_MSG_BATCH_END));
}

export function newTable(family: number, name: string): Message {
  return change(NFT_MSG_NEWTABLE, NLM_F_CREATE, family, attr(NFTA_TABLE_NAME, text(name)));
}

export function newBaseChain(chain: BaseChain, priority: number): Message {
  return change(
    NFT_MSG_NEWCHAIN,
    NLM_F_CREATE,
    chain.family,
    attr(NFTA_CHAIN_TABLE, text(chain.table)),
    attr(NFTA_CHAIN_NAME, text(chain.name)),
    nest(NFTA_CHAIN_HOOK, attr(NFTA_HOOK_HOOKNUM, be32(chain.hook)), attr(NFTA_HOOK_PRIORITY, be32(priority))),
    attr(NFTA_CHAIN_TYPE, text(chain.type)),
    attr(NFTA_CHAIN_POLICY, be32(chain.policy ?? NF_ACCEPT)),
  );
}

/** Removes all rules of a chain and leaves the chain. */
export function noRules({ family, table, name }: ChainName): Message {
  return change(NFT_MSG_DELRULE, 0, family, attr(NFTA_RULE_TABLE, text(table)), attr(NFTA_RULE_CHAIN, text(name)));
}

export function newRule(
  place: 'first' | 'last',
  { family, table, name }: ChainName,
  comment: string,
  ...expressions: readonly Buffer[]
): Message {
  return change(
    NFT_MSG_NEWRULE,
    NLM_F_CREATE | (place === 'last' ? NLM_F_APPEND : 0),
    family,
    attr(NFTA_RULE_TABLE, text(table)),
    attr(NFTA_RULE_CHAIN, text(name)),
    nest(NFTA_RULE_EXPRESSIONS, ...expressions.map((expression) => nest(NFTA_LIST_ELEM, expression))),
    attr(NFTA_RULE_USERDATA, Buffer.concat([Buffer.from([COMMENT, comment.length + 1]), text(comment)])),
  );
}

/** Loads a link's name: `meta iifname` or `meta oifname`. */
export function loadLinkName(which: 'in' | 'out'): Buffer {
  return expression(
    'meta',
    attr(NFTA_META_DREG, be32(NFT_REG_1)),
    attr(NFTA_META_KEY, be32(which === 'in' ? NFT_META_IIFNAME : NFT_META_OIFNAME)),
  );
}

/** Loads the protocol above IP: 6 is TCP. */
export function loadProtocol(): Buffer {
  return expression('meta', attr(NFTA_META_DREG, be32(NFT_REG_1)), attr(NFTA_META_KEY, be32(NFT_META_L4PROTO)));
}

/** Loads four bytes of the IPv4 header: 12 is the source, 16 the destination. */
export function loadAddress(which: 'source' | 'destination'): Buffer {
  return expression(
    'payload',
    attr(NFTA_PAYLOAD_DREG, be32(NFT_REG_1)),
    attr(NFTA_PAYLOAD_BASE, be32(NFT_PAYLOAD_NETWORK_HEADER)),
    attr(NFTA_PAYLOAD_OFFSET, be32(which === 'source' ? 12 : 16)),
    attr(NFTA_PAYLOAD_LEN, be32(4)),
  );
}

/** Goes on only when what was loaded begins with these bytes. */
export function isEqual(value: Buffer): Buffer {
  return expression(
    'cmp',
    attr(NFTA_CMP_SREG, be32(NFT_REG_1)),
    attr(NFTA_CMP_OP, be32(NFT_CMP_EQ)),
    nest(NFTA_CMP_DATA, attr(NFTA_DATA_VALUE, value)),
  );
}

export function countPackets(): Buffer {
  return expression('counter');
}

export function verdict(code: number): Buffer {
  return expression(
    'immediate',
    attr(NFTA_IMMEDIATE_DREG, be32(NFT_REG_VERDICT)),
    nest(NFTA_IMMEDIATE_DATA, nest(NFTA_DATA_VERDICT, attr(NFTA_VERDICT_CODE, be32(code)))),
  );
}

/** The verdict that an expression gives; `undefined` when it gives none. */
export function verdictOf({ name, attrs }: Expression): number | undefined {
  const data = name === 'immediate' ? attrs.get(NFTA_IMMEDIATE_DATA) : undefined;
  const code = data && parseAttrs(data, 0).get(NFTA_DATA_VERDICT);
  return code && parseAttrs(code, 0).get(NFTA_VERDICT_CODE)?.readInt32BE(0);
}

/** What an expression of `isEqual` compares with. */
export function valueOf({ name, attrs }: Expression): Buffer | undefined {
  const data = name === 'cmp' ? attrs.get(NFTA_CMP_DATA) : undefined;
  return data && parseAttrs(data, 0).get(NFTA_DATA_VALUE);
}

/** Which link's name an expression loads. */
export function linkNameLoadedBy({ name, attrs }: Expression): 'in' | 'out' | undefined {
  const key = name === 'meta' ? attrs.get(NFTA_META_KEY)?.readUInt32BE(0) : undefined;
  return key === NFT_META_IIFNAME ? 'in' : key === NFT_META_OIFNAME ? 'out' : undefined;
}

/** The name of a target that an iptables rule in nftables carries, such as REJECT. */
export function targetOf({ name, attrs }: Expression): string | undefined {
  return name === 'target' ? textIn(attrs, NFTA_TARGET_NAME) : undefined;
}

function request(type: number, family: number, ...attrs: readonly Buffer[]): Message {
  return message(NFT | type, 0, nfgenmsg(family, 0), ...attrs);
}

function change(type: number, flags: number, family: number, ...attrs: readonly Buffer[]): Message {
  return message(NFT | type, flags, nfgenmsg(family, 0), ...attrs);
}

function batch(type: number): Message {
  return message(type, 0, nfgenmsg(0, NFNL_SUBSYS_NFTABLES));
}

/** struct nfgenmsg; its last field is in network order. */
function nfgenmsg(family: number, resource: number): Buffer {
  return Buffer.from([family, 0, resource >> 8, resource & 0xff]);
}

function expression(name: string, ...attrs: readonly Buffer[]): Buffer {
  return Buffer.concat([attr(NFTA_EXPR_NAME, text(name)), nest(NFTA_EXPR_DATA, ...attrs)]);
}

function parseExpression(bytes: Buffer): Expression {
  const attrs = parseAttrs(bytes, 0);
  return { name: textIn(attrs, NFTA_EXPR_NAME), attrs: parseAttrs(attrs.get(NFTA_EXPR_DATA) ?? Buffer.alloc(0), 0) };
}

/** The members of a list, which all have the same type. */
function listIn(bytes: Buffer | undefined): readonly Buffer[] {
  return bytes === undefined ? [] : listAttrs(bytes, 0).map(([, value]) => value);
}

function commentIn(userdata: Buffer | undefined): string {
  return userdata === undefined || userdata[0] !== COMMENT ? '' : cString(userdata.subarray(2));
}

function textIn(attrs: ReadonlyMap<number, Buffer>, type: number): string {
  return cString(attrs.get(type) ?? Buffer.alloc(0));
}

/** nftables speaks network order. */
function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

// From linux/netfilter.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h and linux/netlink.h, under their own names.
export const NFPROTO_INET = 1;
export const NFPROTO_IPV4 = 2;
export const NF_INET_FORWARD = 2;
export const NF_DROP = 0;
export const NF_ACCEPT = 1;
const NFNL_SUBSYS_NFTABLES = 10;
const NFT = NFNL_SUBSYS_NFTABLES << 8;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFT_MSG_NEWTABLE = 0;
const NFT_MSG_NEWCHAIN = 3;
const NFT_MSG_GETCHAIN = 4;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_GETRULE = 7;
const NFT_MSG_DELRULE = 8;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const NFTA_TABLE_NAME = 1;
const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_HOOK = 4;
const NFTA_CHAIN_POLICY = 5;
const NFTA_CHAIN_TYPE = 7;
const NFTA_HOOK_HOOKNUM = 1;
const NFTA_HOOK_PRIORITY = 2;
const NFTA_RULE_TABLE = 1;
const NFTA_RULE_CHAIN = 2;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_RULE_USERDATA = 7;
/** What nft itself writes into a rule's user data: a type, a length, a text. @source libnftnl udata.h NFTNL_UDATA_RULE_COMMENT */
const COMMENT = 0;
const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_META_DREG = 1;
const NFTA_META_KEY = 2;
const NFT_META_IIFNAME = 6;
const NFT_META_L4PROTO = 16;
const NFT_META_OIFNAME = 7;
const NFTA_CMP_SREG = 1;
const NFTA_CMP_OP = 2;
const NFTA_CMP_DATA = 3;
const NFT_CMP_EQ = 0;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
const NFTA_VERDICT_CODE = 1;
const NFTA_IMMEDIATE_DREG = 1;
const NFTA_IMMEDIATE_DATA = 2;
const NFT_REG_VERDICT = 0;
const NFT_REG_1 = 1;
const NFTA_PAYLOAD_DREG = 1;
const NFTA_PAYLOAD_BASE = 2;
const NFTA_PAYLOAD_OFFSET = 3;
const NFTA_PAYLOAD_LEN = 4;
const NFT_PAYLOAD_NETWORK_HEADER = 1;
const NFTA_TARGET_NAME = 1;
