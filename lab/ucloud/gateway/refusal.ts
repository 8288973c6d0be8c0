/**
 * An action that ends with a RetCode other than 0.
 *
 * Codes of the gateway: 130 internal trouble, 160 and 161 Action missing and unknown, 170 and 171 signature missing and
 * wrong, 172 no such user, 174 no such token, 220 a parameter is missing, 230 a parameter is unknown or its value is
 * not allowed, 292 no such project, 293 zone not permitted. Products add their own, each used with its published meaning.
 * @source UCloud API reference, summary/public.md, for 110 to 299; 220 and 230 are not on that page but are what the live
 *         gateway answers ("Missing params [az_group]", "Params [ClassType] not valid", seen in public clients)
 */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}

export const missing = (name: string): Refusal => new Refusal(220, `Missing params [${name}]`);
export const notValid = (name: string, why: string): Refusal =>
  new Refusal(230, `Params [${name}] not available: ${why}`);
