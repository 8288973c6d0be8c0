/** Condition of a cloud Node that is not ready and whose machine the cloud does not know: False, with what is done about it. */
export const machineKnownCondition = 'isthmus.dev/MachineKnown';
