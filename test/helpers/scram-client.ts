import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

export interface ScramClientOptions {
  readonly user?: string
  readonly password?: string
  /** Random unless given. */
  readonly nonce?: string
  /** `y,,` when the client believes that the server cannot bind channels; `n,a=name,` to act as another user. */
  readonly gs2Header?: string
  /** What follows the nonce of the first and of the final message: `,x=y`. */
  readonly extensions?: string
}

/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), written independently of the server's. Messages as bytes. */
export class ScramClient {
  readonly #gs2Header: string
  readonly #bare: string
  readonly #nonce: string
  readonly #password: string
  readonly #extensions: string
  #serverSignature: string | undefined

  constructor(options: ScramClientOptions = {}) {
    const { user = 'user', password = 'pencil', nonce = randomBytes(12).toString('base64') } = options
    const { gs2Header = 'n,,', extensions = '' } = options
    this.#gs2Header = gs2Header
    this.#nonce = nonce
    this.#password = password.normalize('NFKC')
    this.#extensions = extensions
    this.#bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}${extensions}`
  }

  /** The Authentication Data of CONNECT, or of AUTH with 0x19. */
  first(): Buffer {
    return Buffer.from(this.#gs2Header + this.#bare)
  }

  /** The answer to the server's challenge. @throws when it is not one. */
  answer(challenge: Uint8Array): Buffer {
    const serverFirst = Buffer.from(challenge).toString()
    const match = /^r=([^,]+),s=([A-Za-z0-9+/]+=*),i=([1-9][0-9]*)$/.exec(serverFirst)
    if (match === null) throw new Error(`not a challenge: ${serverFirst}`)
    const [, nonce, salt, iterations] = match
    if (!nonce!.startsWith(this.#nonce) || nonce === this.#nonce) throw new Error(`not a nonce for ours: ${nonce}`)
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt!, 'base64'), Number(iterations), 32, 'sha256')
    const clientKey = hmac(salted, 'Client Key')
    const channelBinding = Buffer.from(this.#gs2Header).toString('base64')
    const withoutProof = `c=${channelBinding},r=${nonce}${this.#extensions}`
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage)
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!))
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }

  /** Whether the server's last message proves that it knows the user, too. */
  verifies(serverFinal: Uint8Array | undefined): boolean {
    return serverFinal !== undefined && Buffer.from(serverFinal).toString() === `v=${this.#serverSignature}`
  }
}

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()
