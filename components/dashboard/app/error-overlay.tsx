import { useId } from 'preact/hooks'
import { Dialog } from './dialog.tsx'
import { SCROLLABLE } from './states.tsx'

/** A failure with its whole text, over the page. Escape and its button close it. */
export const ErrorOverlay = ({ title, text, onClose }: { title: string; text: string; onClose: () => void }) => {
  const textId = useId()
  return (
    <Dialog title={title} className="error-overlay" alertId={textId} onClose={onClose}>
      <pre id={textId} {...SCROLLABLE}>
        {text}
      </pre>
      <div class="actions">
        <p class="note">
          <kbd>Esc</kbd> closes it.
        </p>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  )
}
