/**
 * What keeps a PersistentVolumeClaim from getting its volume that nobody else says of it, by the reason of its Events; with what it means and what
 * helps. `docs/reference/events.md` is made from it.
 */
export const roomReasons = {
  NoRoom:
    'The claim asks for more than any machine of the site has room for. The message says how large a volume each machine could make. Ask for less, delete volumes that nobody needs, or give more folders or disks in cluster.yaml.',
} as const satisfies Readonly<Record<string, string>>;
