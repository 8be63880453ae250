/** Thrown by the callback that gives the token: nobody is signed in any more. */
export class SignedOut extends Error {
  static {
    SignedOut.prototype.name = 'SignedOut';
  }
}
