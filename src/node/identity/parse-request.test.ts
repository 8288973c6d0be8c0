import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRequest } from './parse-request.ts';

/** Requests that `openssl req` has made. */
const plain =
  'MIHuMIGVAgEAMDMxFTATBgNVBAoMDHN5c3RlbTpub2RlczEaMBgGA1UEAwwRc3lzdGVtOm5vZGU6d2ViLTEwWTATBgcqhkjOPQIBBggqhkjOPQMB' +
  'BwNCAARRa+UP2QgTX3mT4AS2gOjz/hw+IfgJjp6UkNMugpOIve7+vjIy0emvikEAry7BkGttZ04y4Y+sn/nYhPDXtHi0oAAwCgYIKoZIzj0EAwID' +
  'SAAwRQIhAIzjjr9ZN1HXDiYxJPsmkcfnzt5dbnndqFZ1rZWRk1KOAiAao3mq/jt23YJYDRFBCabklOAy/bXagVOZnJwvr8dY3Q==';
const everything =
  'MIIBhjCCASwCAQAwWDEVMBMGA1UECgwMc3lzdGVtOm5vZGVzMRcwFQYDVQQKDA5zeXN0ZW06bWFzdGVyczEKMAgGA1UECwwBeDEaMBgGA1UEAwwR' +
  'c3lzdGVtOm5vZGU6d2ViLTEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARBGbqj+ZKtgzX1VvYBxvsNhPCMT6HGIaMZk4BycqxjcjN4xsbamxgj' +
  'LnJ8jqg5WShgZ7o+DGeX1FQSqNLrVs+QoHIwcAYJKoZIhvcNAQkOMWMwYTBOBgNVHREERzBFggV3ZWItMYcECgkADIcQ/QAAAAAAAAAAAAAAAAAA' +
  'AYEFYUBiLmOGCnNwaWZmZTovL3iCDSouZXhhbXBsZS5jb22IAioDMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgOgQND8z0MvpG' +
  'vU97JF2/5HDGXn1jB5tZQPhzzdUfOswCIQC6d1XDj5xEsDH+XGMUL0Utb+e70jYmYsvSYmN4vbuYEw==';
const notAscii =
  'MIHJMHECAQAwDzENMAsGA1UEAwwEd8OpYjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMvORJ45lkuIR7j4O4jJIb/THIG1G7GmI1Xd4VuHk3fX' +
  'gCl3MV3+l8Z4ZqnGOQSra4R9FvUrD2vLsN15kLxuLwagADAKBggqhkjOPQQDAgNIADBFAiALUU6knPz1GVUSPIMPoKyDcYdO2InXxh+JvdtXTQfp' +
  'BwIhAOt5zkGTv+YamTSb96DWui7e1ZOgL7Dvx4z1UgBpIiHk';

/** As a CertificateSigningRequest has it. */
function asked(body: string, title = 'CERTIFICATE REQUEST'): string {
  const pem = `-----BEGIN ${title}-----\n${body.replaceAll(/(.{64})/g, '$1\n')}\n-----END ${title}-----\n`;
  return Buffer.from(pem).toString('base64');
}

function faultOf(der: Buffer): string {
  const read = parseRequest(asked(der.toString('base64')));
  return read.ok ? 'none' : read.failure;
}

test('what a kubelet asks for is read: subject, no names, and its key', () => {
  expect(parseRequest(asked(plain))).toEqual({
    ok: true,
    value: {
      subject: [
        ['O', 'system:nodes'],
        ['CN', 'system:node:web-1'],
      ],
      dnsNames: [],
      addresses: [],
      others: [],
      key: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
    },
  });
});

test('everything else that a request may have is seen: groups, names of every kind, and extensions', () => {
  expect(parseRequest(asked(everything))).toMatchObject({
    ok: true,
    value: {
      subject: [
        ['O', 'system:nodes'],
        ['O', 'system:masters'],
        ['2.5.4.11', 'x'],
        ['CN', 'system:node:web-1'],
      ],
      dnsNames: ['web-1', '*.example.com'],
      addresses: ['10.9.0.12', 'fd00:0:0:0:0:0:0:1'],
      others: ['an e-mail address', 'a URI', 'an alternative name of kind 8', 'extension 2.5.29.19'],
    },
  });
});

test('the key is told by its digest, so that another key is another', () => {
  const keys = [plain, everything]
    .map((body) => parseRequest(asked(body)))
    .flatMap((read) => (read.ok ? [read.value.key] : []));
  expect(new Set(keys).size).toBe(2);
});

const der = Buffer.from(plain, 'base64');

/** With one byte changed. */
function changed(at: number, to: number): Buffer {
  const copy = Buffer.from(der);
  copy[at] = to;
  return copy;
}

test.each<[title: string, text: string]>([
  ['nothing', ''],
  ['another kind of PEM', asked(plain, 'CERTIFICATE')],
  ['two requests', Buffer.from(Buffer.from(asked(plain), 'base64').toString().repeat(2)).toString('base64')],
  ['words before it', Buffer.from(`x ${Buffer.from(asked(plain), 'base64').toString()}`).toString('base64')],
])('%s is not a request', (_title, text) => {
  expect(parseRequest(text)).toEqual({ ok: false, failure: 'it is not one PEM block of a certificate request' });
});

test.each<[title: string, der: Buffer, fault: string]>([
  ['cut off', der.subarray(0, 100), 'it ends too early'],
  ['something after it', Buffer.concat([der, Buffer.from([5, 0])]), 'it has 2 elements in place of 1'],
  ['another type', changed(0, 0x31), 'it has an element of type 49 in place of 48'],
  ['an indefinite length', changed(1, 0x80), 'it has a length that DER does not have'],
  ['a length of four bytes', changed(1, 0x84), 'it has a length that DER does not have'],
  [
    'a length longer than it need be',
    Buffer.from([0x30, 0x81, 0x01, 0x05]),
    'it has a length that is not in its shortest form',
  ],
  [
    'a length with a leading zero',
    Buffer.from([0x30, 0x82, 0x00, 0x81]),
    'it has a length that is not in its shortest form',
  ],
  ['a tag of several bytes', changed(0, 0x3f), 'it has a tag of several bytes'],
])('%s is a fault', (_title, bytes, fault) => {
  expect(faultOf(bytes)).toBe(fault);
});

test('a name that is not in ASCII is a fault: readers may see different names in it', () => {
  expect(parseRequest(asked(notAscii))).toEqual({ ok: false, failure: 'it has a name that is not in ASCII' });
});

test('whatever is sent, it is read or refused and never thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      faultOf(Buffer.from(bytes));
    }),
  );
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.nat(255), (at, to) => {
      faultOf(changed(at, to));
    }),
  );
});

test('no change of one byte gives a node another name or group unseen', () => {
  const before = parseRequest(asked(plain));
  // Outside of all that is read: the number of the version, and the signature, which the API server checks.
  const signature = der.length - 90;
  const unseen = [...der.keys()].filter((at) =>
    [0, 0x41, 0xff, (der[at] ?? 0) ^ 1]
      .filter((to) => to !== der[at])
      .some((to) => isDeepStrictEqual(parseRequest(asked(changed(at, to).toString('base64'))), before)),
  );
  expect(unseen.filter((at) => at !== 8 && at < signature)).toEqual([]);
});
