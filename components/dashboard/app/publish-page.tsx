import { useState } from 'preact/hooks'
import { useApp } from './context.tsx'
import type { Published } from './contract.ts'
import { Fact, Facts } from './facts.tsx'
import { formatBytes, formatPlural, formatTime } from './format.ts'
import { writePlace } from './location.ts'
import { Badge, Empty, Failure, type Tone } from './states.tsx'

/** What the form sends. */
interface Draft {
  readonly topic: string
  readonly payload: string
  readonly qos: number
  readonly retain: boolean
}

/** An answer of the broker, or why there is none. */
type Outcome = { readonly draft: Draft; readonly atMs: number } & (
  | { readonly published: Published }
  | { readonly problem: string }
)

const QOS = ['0: at most once', '1: at least once', '2: exactly once'] as const

/** Publishes a message as the server, and says what became of it. A link to it may name the topic. */
export const PublishPage = () => {
  const { api, place } = useApp()
  const [draft, setDraft] = useState<Draft>({
    ...{ topic: place.settings['topic'] ?? '', payload: '', qos: 0, retain: false },
  })
  const [outcome, setOutcome] = useState<Outcome | undefined>(undefined)
  const [isBusy, setBusy] = useState(false)
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }))
  const publish = async () => {
    setBusy(true)
    try {
      const published = await api.send<Published>('POST', '/publish', draft)
      setOutcome({ draft, atMs: Date.now(), published })
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'The call failed.'
      setOutcome({ draft, atMs: Date.now(), problem })
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <h1>Publish</h1>
      <div class="columns">
        <form
          class="panel form"
          onSubmit={(event) => {
            event.preventDefault()
            void publish()
          }}
        >
          <MessageFields draft={draft} onChange={change} />
          <p class="note">{noteOf(draft)}</p>
          <button
            type="submit"
            class={isDeletion(draft) ? 'danger' : undefined}
            disabled={isBusy || draft.topic === ''}
          >
            {isDeletion(draft) ? 'Delete the retained message' : 'Publish 1 message'}
          </button>
        </form>
        <section class="panel" aria-labelledby="answer">
          <div class="panel-head">
            <h2 id="answer">Answer</h2>
          </div>
          <div role="status">{outcome === undefined ? <NoAnswer /> : <Answer outcome={outcome} />}</div>
        </section>
      </div>
    </>
  )
}

const MessageFields = ({ draft, onChange }: { draft: Draft; onChange: (part: Partial<Draft>) => void }) => (
  <>
    <label class="field">
      <span>Topic</span>
      <input
        type="text"
        value={draft.topic}
        placeholder="kitchen/light/set"
        required
        autocomplete="off"
        spellcheck={false}
        data-search
        onInput={(event) => onChange({ topic: event.currentTarget.value })}
      />
    </label>
    <label class="field">
      <span>{`Payload, as text (${formatBytes(new TextEncoder().encode(draft.payload).length)})`}</span>
      <textarea
        rows={6}
        value={draft.payload}
        spellcheck={false}
        onInput={(event) => onChange({ payload: event.currentTarget.value })}
      />
    </label>
    <label class="field">
      <span>QoS</span>
      <select value={`${draft.qos}`} onChange={(event) => onChange({ qos: Number(event.currentTarget.value) })}>
        {QOS.map((text, qos) => (
          <option key={text} value={`${qos}`}>
            {text}
          </option>
        ))}
      </select>
    </label>
    <label class="check">
      <input
        type="checkbox"
        checked={draft.retain}
        onChange={(event) => onChange({ retain: event.currentTarget.checked })}
      />
      Retain
    </label>
  </>
)

/** An empty retained message deletes the one of its topic [MQTT-3.3.1-6]. */
const isDeletion = ({ retain, payload }: Draft): boolean => retain && payload === ''

/** What the button does, before it is pressed. */
const noteOf = (draft: Draft): string => {
  if (isDeletion(draft)) {
    return 'An empty payload with Retain deletes the retained message of the topic, and connected subscribers get the empty message. It cannot be undone.'
  }
  const kept = draft.retain ? ' It takes the place of the retained message of the topic.' : ''
  return `The broker publishes the message itself: no rule of topics applies. Each subscriber of the topic gets it.${kept}`
}

const NoAnswer = () => (
  <Empty title="Nothing is published yet.">
    The answer of the broker appears here: its reason, and how many subscribers got the message.
  </Empty>
)

/** Success without a subscriber is not what most operators expect. */
const toneOf = ({ reasonCode, subscribers }: Published): Tone => {
  if (reasonCode >= 0x80) return 'bad'
  return subscribers === 0 ? 'waiting' : 'good'
}

const Answer = ({ outcome }: { outcome: Outcome }) => {
  const { draft, atMs } = outcome
  if ('problem' in outcome) return <Failure message={outcome.problem} />
  const { reason, reasonCode, subscribers } = outcome.published
  return (
    <>
      <Facts label="Answer">
        <Fact name="Reason">
          <Badge tone={toneOf(outcome.published)}>{reason}</Badge>
        </Fact>
        <Fact name="Subscribers">{`${formatPlural(subscribers, 'subscriber')} got it`}</Fact>
        <Fact name="Topic">{draft.topic}</Fact>
        <Fact name="QoS">{draft.qos}</Fact>
        <Fact name="Published at">{formatTime(atMs)}</Fact>
      </Facts>
      {draft.retain && reasonCode < 0x80 && (
        <p class="note">
          {isDeletion(draft) ? 'The topic has no retained message now. ' : 'It is kept for later subscribers. '}
          <a href={writePlace('retained', undefined, isDeletion(draft) ? {} : { topic: draft.topic })}>
            {isDeletion(draft) ? 'Show the retained messages' : 'Show the retained message'}
          </a>
        </p>
      )}
    </>
  )
}
