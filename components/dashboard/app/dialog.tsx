import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

interface DialogProps {
  readonly title: string
  readonly className?: string
  /** The element that a screen reader reads at once: for a dialog that tells of a failure. */
  readonly alertId?: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** A modal dialog. The browser keeps the focus in it, and Escape closes it. */
export const Dialog = ({ title, className, alertId, onClose, children }: DialogProps) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    // What opened it gets the focus back.
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class={className}
      role={alertId === undefined ? undefined : 'alertdialog'}
      aria-labelledby={titleId}
      aria-describedby={alertId}
      onClose={onClose}
      onCancel={onClose}
    >
      <h2 id={titleId}>{title}</h2>
      {children}
    </dialog>
  )
}

/** Why what the dialog asked for failed. It is always there, since screen readers announce changes of a region that they know. */
export const Problem = ({ text }: { text: string | undefined }) => (
  <p class="problem bad" role="alert">
    {text}
  </p>
)

/** Asks before something that cannot be undone. It says what is touched; the button names the action. */
export const Confirm = ({
  title,
  action,
  isBusy,
  problem,
  onConfirm,
  onClose,
  children,
}: {
  title: string
  action: string
  isBusy: boolean
  problem: string | undefined
  onConfirm: () => void
  onClose: () => void
  children: ComponentChildren
}) => (
  <Dialog title={title} onClose={onClose}>
    {children}
    <Problem text={problem} />
    <div class="actions">
      <button type="button" onClick={onClose}>
        Cancel
      </button>
      <button type="button" class="danger" disabled={isBusy} onClick={onConfirm}>
        {action}
      </button>
    </div>
  </Dialog>
)
