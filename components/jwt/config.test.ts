import { describe, expect, it } from 'vitest'
import { jwtConfig } from './config.ts'

const names = { issuer: 'i', audience: 'a' }
const problems = (config: object): string =>
  (jwtConfig.safeParse({ ...names, ...config }).error?.issues ?? [])
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('\n')
const rs = { algorithms: ['RS256'] }
const hs = { algorithms: ['HS256'], secret: 's' }

describe('the config of jwt', () => {
  it.each([
    [hs],
    [{ ...rs, publicKeyFile: 'f' }],
    [{ ...rs, jwksFile: 'f' }],
    [{ ...rs, jwksUrl: 'https://issuer.example/keys' }],
    [{ ...rs, jwksUrl: 'http://127.0.0.1:1/keys' }],
    [{ ...rs, jwksUrl: 'http://[::1]:1/keys' }],
    [{ ...rs, jwksUrl: 'http://localhost/keys' }],
  ])('is valid: %j', (config) => expect(problems(config)).toBe(''))

  it.each([
    [{ secret: 's' }, /^algorithms:/],
    [{ secret: 's', algorithms: [] }, /^algorithms:/],
    [{ secret: 's', algorithms: ['none'] }, /^algorithms.0:/],
    [{ algorithms: ['HS256'] }, /exactly one of secret, .*: there are 0/],
    [{ ...rs, publicKeyFile: 'f', jwksFile: 'g' }, /exactly one of .*: there are 2/],
    [{ algorithms: ['RS256', 'HS256'], publicKeyFile: 'f' }, /HS256 does not fit publicKeyFile/],
    [{ algorithms: ['HS256'], jwksFile: 'f' }, /HS256 does not fit jwksFile/],
    [
      { algorithms: ['HS256', 'RS256'], secret: 's' },
      /RS256 does not fit secret: it needs a secret|RS256 does not fit secret/,
    ],
    [{ ...rs, jwksUrl: 'http://issuer.example/keys' }, /jwksUrl: http: is allowed for this machine alone/],
    [{ ...rs, jwksUrl: 'http://127.0.0.1.example/keys' }, /jwksUrl: http: is allowed for this machine alone/],
    [{ ...rs, jwksUrl: 'file:///etc/keys' }, /jwksUrl: it begins with neither/],
    [{ ...rs, jwksUrl: 'https://user:word@issuer.example' }, /jwksUrl: it holds a user name/],
    [{ ...rs, jwksUrl: 'nonsense' }, /jwksUrl: it is not a URL/],
    [{ ...rs, jwksUrl: 'https://issuer.example', jwksHeaders: { 'a b': 'c' } }, /jwksHeaders: a name or value/],
    [{ ...rs, jwksUrl: 'https://issuer.example', jwksHeaders: { Host: 'c' } }, /jwksHeaders: a name or value/],
    [{ ...hs, issuer: undefined }, /^issuer:/],
    [{ ...hs, audience: undefined }, /^audience:/],
    [{ ...hs, issuer: [] }, /^issuer:/],
    [{ ...hs, tokenIn: 'userName', userNameMustMatch: true }, /the user name holds the token/],
  ])('is not valid: %j', (config, message) => expect(problems(config)).toMatch(message))
})
