export type TestingErrorCode =
  | 'ERR_TESTING_ARGUMENT' // the agreed version has no such message, or nobody speaks that capability
  | 'ERR_TESTING_ENDED'
  | 'ERR_TESTING_STATE' // sent before it could be
  | 'ERR_TESTING_TIMEOUT';

/** Everything that a scripted peer throws or rejects with. */
export class TestingError extends Error {
  override readonly name = 'TestingError';
  readonly code: TestingErrorCode;

  constructor(code: TestingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
