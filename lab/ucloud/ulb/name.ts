import * as z from 'zod';

/** @source UCloud API reference, nlb-api: 1 to 255 characters, of signs - _ . */
export const name = z.string().regex(/^[\p{L}\p{N}._-]{1,255}$/u, 'write 1 to 255 letters, digits, and - _ .');
export const remark = z.string().max(255, 'at most 255 characters');
