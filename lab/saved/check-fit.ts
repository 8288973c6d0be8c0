import type { SavedCard } from './saved-lab.ts';

/** What labs are made of by this checkout now. */
export interface Current {
  readonly isthmus: string;
  readonly kubernetes: string;
  readonly image: string;
  readonly bundle: string;
}

/**
 * Why a lab can't begin as this saved one, with the cure; `undefined` when it can. Its machines stand on the image that they were
 * made with, and its cluster runs the programs of its bundle: with others it would be a lab that nobody ever made.
 */
export function explainMisfit(name: string, saved: SavedCard, current: Current): string | undefined {
  const cure = `make a lab with this version and save it again, or use that version; \`isthmus lab saved remove ${name}\` removes it`;
  if (saved.kubernetes !== current.kubernetes || saved.isthmus !== current.isthmus)
    return (
      `saved lab "${name}" has Kubernetes ${saved.kubernetes} and Isthmus ${saved.isthmus}, ` +
      `but this version makes labs with Kubernetes ${current.kubernetes} and Isthmus ${current.isthmus}; ${cure}`
    );
  if (saved.bundle !== current.bundle)
    return `saved lab "${name}" was made with another bundle of the same versions, ${saved.bundle}; ${cure}`;
  if (saved.image !== current.image) return `saved lab "${name}" was made with another machine image; ${cure}`;
  return undefined;
}
