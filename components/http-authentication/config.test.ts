import { describe, expect, it } from 'vitest'
import { httpAuthenticationConfig } from './config.ts'
import { httpAuthentication } from './index.ts'

describe('the config', () => {
  const problems = (config: object): string =>
    (httpAuthenticationConfig.safeParse(config).error?.issues ?? [])
      .map(({ path, message }) => `${path.join('.')}: ${message}`)
      .join()

  it.each([
    [{ url: 'http://auth.example/' }, /^url: passwords could be read on the way/],
    [{ url: 'https://user:word@auth.example/' }, /^url: it holds a user name/],
    [{ url: 'ftp://auth.example/' }, /^url: it begins with neither/],
    [{ url: 'https://auth.example/', body: { a: `$\{nonsense}` } }, /^body: \$\{nonsense\} is not known/],
    [{ url: 'https://auth.example/', headers: { Host: 'x' } }, /^headers:/],
    [{ url: 'https://auth.example/', headers: { a: 'b\nc' } }, /^headers:/],
  ])('is not valid: %j', (config, message) => expect(problems(config)).toMatch(message))

  it('is valid with https, on this machine, and where plain HTTP is allowed', () => {
    for (const config of [
      { url: 'https://auth.example/' },
      { url: 'http://[::1]:1/' },
      { url: 'http://auth.example/', allowPlainHttp: true },
    ]) {
      expect(problems(config)).toBe('')
    }
    expect(httpAuthentication.describe!(httpAuthenticationConfig.parse({ url: 'https://auth.example/x' }))).toBe(
      'auth.example',
    )
  })
})
