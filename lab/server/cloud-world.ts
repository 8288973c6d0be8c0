import type { Fabric } from '../fabric/fabric.ts';
import type { World } from '../ucloud/products.ts';
import type { WorldMachine } from '../ucloud/uhost/world.ts';
import type { LabImages } from './images.ts';
import type { LabMachines } from './machines.ts';
import { probe } from './probe.ts';
import { cloudIds } from './settings.ts';

/** What the simulated cloud's API does to the lab: machines that boot, addresses that the VPC carries, routes and filters. */
export function createWorld(machines: LabMachines, images: LabImages, fabric: Fabric): World {
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
    isOn: async (id) => machines.find(id)?.init() !== undefined,
  };
}

function portOf({ id, mac, ip, prefixLength, gateway }: WorldMachine) {
  return { key: id, mac, ip, prefixLength, gateway };
}
