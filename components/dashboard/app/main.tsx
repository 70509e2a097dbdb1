/** Starts the dashboard in its page. */

import { render } from 'preact'
import 'uplot/dist/uPlot.min.css'
import { Root } from './root.tsx'
import './base.css'
import './frame.css'
import './overview.css'
import './plan.css'
import './tables.css'
import './forms.css'
import './narrow.css'

render(<Root />, document.getElementById('app')!)
