/**
 * What machines need of the world: power and disks. The lab's fabric implements it with namespaces; a test of the API alone may hand
 * in one that only remembers.
 */
export interface UhostWorld {
  /** Switches a new machine on: its disk is a copy of `image`, its first start reads `userData` from the metadata server. */
  boot(machine: WorldMachine): Promise<void>;
  /** Switches an existing machine on again with the disk it has. */
  start(id: string): Promise<void>;
  /** Asks the machine's system to shut down and waits until it is off. */
  stop(id: string): Promise<void>;
  /** Cuts the power. */
  off(id: string): Promise<void>;
  /** Removes machine and disk, and lets go of what was attached; there is nothing to remove of one that was never booted. */
  destroy(id: string): Promise<void>;
  /** Copies the disk of a machine that is off: from now on `boot` may name it as an image. */
  makeImage(id: string, image: string): Promise<void>;
  /** Removes a copy that was made; machines that began with it are not concerned. */
  removeImage(image: string): Promise<void>;
  /** Whether the machine's power is on: a guest that shut itself down is off, and so is a machine that was never booted. */
  isOn(id: string): Promise<boolean>;
}

export interface WorldMachine {
  /** The cloud's id, `uhost-…`; also the machine's instance id for cloud-init. */
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly mac: string;
  readonly ip: string;
  /** The subnet's prefix length and gateway address. */
  readonly prefixLength: number;
  readonly gateway: string;
  readonly cpu: number;
  readonly memoryMib: number;
}
