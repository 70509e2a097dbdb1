import { useEffect, useRef, useState } from 'preact/hooks'
import { useApp } from './context.tsx'
import { writePlace } from './location.ts'

/** How long the operator has to stop typing. */
const PAUSE_MS = 250

/** The search of a page: it is kept in the URL, and `/` leads to it. */
export const Search = ({ name, label, hint }: { name: string; label: string; hint: string }) => {
  const { place } = useApp()
  const inUrl = place.settings[name] ?? ''
  const [text, setText] = useState(inUrl)
  const typed = useRef(inUrl)
  // The URL was changed by a link or by the Back button, and not by this field.
  useEffect(() => {
    if (inUrl === typed.current) return
    typed.current = inUrl
    setText(inUrl)
  }, [inUrl])
  const search = (value: string) => {
    typed.current = value
    location.replace(writePlace(place.page, place.item, { ...place.settings, [name]: value, after: '', page: '' }))
  }
  useEffect(() => {
    if (text === typed.current) return
    const timer = setTimeout(() => search(text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <search class="search">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          search(text)
        }}
      >
        <label>
          <span>{label}</span>
          <input
            type="search"
            value={text}
            placeholder={hint}
            aria-keyshortcuts="/"
            data-search
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
      </form>
    </search>
  )
}
