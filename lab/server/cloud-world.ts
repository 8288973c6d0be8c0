import type { Fabric } from '../fabric/fabric.ts';
import type { World } from '../ucloud/products.ts';
import type { WorldMachine } from '../ucloud/uhost/world.ts';
import type { LabDisks } from './disks.ts';
import type { LabImages } from './images.ts';
import type { LabMachines } from './machines.ts';
import { probe } from './probe.ts';
import { cloudIds } from './settings.ts';
import type { LabShares } from './shares.ts';

/** What a lab is made of, as far as its cloud has to do with it. */
export interface WorldParts {
  readonly machines: LabMachines;
  readonly images: LabImages;
  readonly disks: LabDisks;
  readonly shares: LabShares;
  readonly fabric: Fabric;
}

/** What the simulated cloud's API does to the lab: machines that boot, addresses that the VPC carries, routes and filters, disks. */
export function createWorld({ machines, images, disks, shares, fabric }: WorldParts): World {
  return {
    boot: async (wanted) => {
      const copyOf = wanted.image === cloudIds.image ? {} : { copyOf: images.folderOf(wanted.image) };
      const machine = await machines.addCloud(portOf(wanted), { ...wanted, ...copyOf });
      await machine.on();
    },
    start: (id) => machines.get(id).on(),
    stop: (id) => machines.get(id).stop(),
    off: (id) => machines.get(id).off(),
    destroy: async (id) => {
      if (machines.find(id) !== undefined) await machines.remove(id);
    },
    makeImage: async (id, image) => {
      if (machines.get(id).init() !== undefined) throw new Error(`${id} is on; its disk is copied when it is off`);
      await images.make(id, image);
    },
    removeImage: (image) => images.remove(image),
    attach: (id, { id: key, ...wire }) => fabric.attach(id, { key, ...wire }),
    detach: (id, port) => fabric.detach(id, port),
    giveAddress: (id, ip) => fabric.giveAddress(id, ip),
    takeAddress: (id, ip) => fabric.takeAddress(id, ip),
    shapeNetwork: (network) => fabric.shapeVpc(network),
    shapeBalancer: (wanted) => fabric.balancers.shape(wanted),
    shapeApplicationBalancer: (wanted) => fabric.balancers.shapeApplication(wanted),
    shapeDirectBalancer: (wanted) => fabric.balancers.shapeDirect(wanted),
    removeBalancer: (id) => fabric.balancers.remove(id),
    probe,
    makeDisk: (disk) => disks.makeDisk(disk),
    growDisk: (id, sizeGib) => disks.growDisk(id, sizeGib),
    removeDisk: (id) => disks.removeDisk(id),
    plugDisk: (machine, disk) => disks.plugDisk(machine, disk),
    unplugDisk: (machine, id) => disks.unplugDisk(machine, id),
    usesDisk: (machine, id) => disks.usesDisk(machine, id),
    makeSnapshot: (id, disk) => disks.makeSnapshot(id, disk),
    restoreDisk: (disk, snapshot) => disks.restoreDisk(disk, snapshot),
    removeSnapshot: (id) => disks.removeSnapshot(id),
    makeShare: (id) => shares.makeShare(id),
    removeShare: (id) => shares.removeShare(id),
    openMountPoint: (share, ip) => shares.openMountPoint(share, ip),
    closeMountPoint: (share, ip) => shares.closeMountPoint(share, ip),
    shareUsage: (id) => shares.shareUsage(id),
    isOn: async (id) => machines.find(id)?.init() !== undefined,
  };
}

function portOf({ id, mac, ip, prefixLength, gateway }: WorldMachine) {
  return { key: id, mac, ip, prefixLength, gateway };
}
