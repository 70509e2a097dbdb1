import { useMemo } from 'preact/hooks'
import type { Payload } from './contract.ts'
import { formatBytes } from './format.ts'
import { SCROLLABLE } from './states.tsx'

/** Characters of a payload that are shown at once. */
const MAXIMUM_CHARACTERS = 20_000

/** A payload in one line. */
export const payloadLine = ({ text, base64, bytes }: Payload): string => {
  if (bytes === 0) return '(empty)'
  if (typeof text === 'string') return text.length > 200 ? `${text.slice(0, 200)}…` : text
  return `${base64.slice(0, 64)}${base64.length > 64 ? '…' : ''} (base64)`
}

/** A payload as a whole: JSON with line breaks, other text as it is, anything else in base64. */
export const PayloadView = ({ payload }: { payload: Payload }) => {
  const [text, form] = useMemo(() => readable(payload), [payload.base64])
  const isCut = payload.isCut === true || text.length > MAXIMUM_CHARACTERS
  return (
    <>
      <p class="note">
        {formatBytes(payload.bytes)}, {form}
        {isCut && ', only its beginning is shown'}
      </p>
      <pre class="payload" {...SCROLLABLE}>
        {text.slice(0, MAXIMUM_CHARACTERS)}
      </pre>
    </>
  )
}

const readable = ({ text, base64 }: Payload): [string, string] => {
  if (typeof text !== 'string') return [base64, 'base64']
  if (/^\s*[[{]/.test(text)) {
    try {
      return [JSON.stringify(JSON.parse(text), undefined, 2), 'JSON']
    } catch {
      // Text that only begins like JSON.
    }
  }
  return [text, 'text']
}
