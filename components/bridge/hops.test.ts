import { expect, it } from 'vitest'
import { encodeForwardedProperties } from '../../test/helpers/encode-properties.ts'
import { countHops, encodeHop, HOP } from './hops.ts'

const own = encodeHop('here')

it('is a User Property', () => {
  expect(own).toEqual(encodeForwardedProperties({ userProperties: { [HOP]: 'here' } }))
})

it.each([
  ['no properties', {}, 0],
  ['other brokers', { userProperties: { [HOP]: ['a', 'b'] } }, 2],
  ['this broker', { userProperties: { [HOP]: ['a', 'here', 'b'] } }, Number.POSITIVE_INFINITY],
  ['a name that contains its name', { userProperties: { [HOP]: ['here2', 'not here'] } }, 2],
  ['another name', { userProperties: { [`${HOP}s`]: 'here', other: 'here' } }, 0],
  [
    'all kinds of properties',
    {
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'r',
      correlationData: Buffer.from(HOP),
      userProperties: { [HOP]: ['a'], b: '' },
    },
    1,
  ],
])('counts those of %s', (_, properties, hops) => {
  expect(countHops(encodeForwardedProperties(properties), own)).toBe(hops)
})
