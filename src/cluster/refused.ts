/** What was asked for can't be done as it was asked for; nothing was tried. The message has the cure. */
export class Refused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Refused';
  }
}
