/**
 * A signal that also looks at the clock whenever it is asked. A process that stood still past its time may run other work
 * before the timer that would have aborted; whoever asks the signal first is told the truth all the same.
 * @unit lapsesAt: by `performance.now()`, asked anew at each look
 * @shape `lapse` is called, at most once a look, to abort one of `sources`
 */
export function lapsingSignal(sources: readonly AbortSignal[], lapsesAt: () => number, lapse: () => void): AbortSignal {
  const signal = AbortSignal.any([...sources]);
  const isAborted = (): boolean => Reflect.get(AbortSignal.prototype, 'aborted', signal) as boolean;
  const look = (): boolean => {
    if (!isAborted() && performance.now() >= lapsesAt()) lapse();
    return isAborted();
  };
  return Object.defineProperties(signal, {
    aborted: { get: look },
    throwIfAborted: {
      value: () => {
        if (look()) throw signal.reason;
      },
    },
  });
}
