import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares what requests send with a token, in a time that says nothing of where they differ. */
export class BearerToken {
  readonly #digest: Buffer

  constructor(token: string) {
    this.#digest = digestOf(token)
  }

  /** @param authorization the header of the request. */
  isIn(authorization: string | null): boolean {
    const [, token] = authorization?.match(/^Bearer +(\S+)$/i) ?? []
    return token !== undefined && timingSafeEqual(digestOf(token), this.#digest)
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
