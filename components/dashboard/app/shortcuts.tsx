import { useEffect, useState } from 'preact/hooks'
import { Dialog } from './dialog.tsx'
import { writePlace } from './location.ts'
import { PAGES } from './pages.ts'

/** How long `g` waits for the second key, in milliseconds. */
const SECOND_KEY_MS = 1_500
const SETTING = 'mqtt-jig-shortcuts'

/** Keys without Ctrl or Alt can disturb speech input: the operator can switch them off. */
const areOn = (): boolean => {
  try {
    return localStorage.getItem(SETTING) !== 'off'
  } catch {
    return true
  }
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('input:not([type=checkbox]), textarea, select, dialog') !== null

/** `/` to the search, `g` and a letter to a page, `?` for help. */
export const useShortcuts = (onHelp: () => void): void => {
  useEffect(() => {
    let wentAt = 0
    const pressed = (event: KeyboardEvent) => {
      const { key, ctrlKey, altKey, metaKey, target, timeStamp } = event
      if (ctrlKey || altKey || metaKey || isTyping(target) || !areOn()) return
      const isSecond = wentAt > 0 && timeStamp - wentAt < SECOND_KEY_MS
      wentAt = 0
      const page = isSecond ? PAGES.find((each) => each.key === key) : undefined
      if (page !== undefined) location.hash = writePlace(page.name)
      else if (key === 'g') wentAt = timeStamp
      else if (key === '/') document.querySelector<HTMLElement>('[data-search]')?.focus()
      else if (key === '?') onHelp()
      else return
      event.preventDefault()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [onHelp])
}

export const ShortcutHelp = ({ onClose }: { onClose: () => void }) => {
  const [isOn, setOn] = useState(areOn)
  const change = (value: boolean) => {
    setOn(value)
    try {
      localStorage.setItem(SETTING, value ? 'on' : 'off')
    } catch {
      // The setting holds until the page is loaded again.
    }
  }
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="keys">
        {PAGES.map(({ name, title, key }) => (
          <div key={name}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>Search</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>This help</dd>
        </div>
      </dl>
      <label class="check">
        <input type="checkbox" checked={isOn} onChange={(event) => change(event.currentTarget.checked)} />
        Keyboard shortcuts are on
      </label>
      <div class="actions">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  )
}
