// The page's first file: small, so that the service is asked while the browser loads what shows the answers.
import { begin } from './app/start';
import './styles/tokens.css';
import './styles/base.css';
import './styles/chat.css';
import './styles/demo.css';

const first = begin();
// It waits for no style sheet, so perhaps not even for the end of the document.
const parsed = new Promise<void>((resolve) =>
  document.readyState === 'loading'
    ? document.addEventListener('DOMContentLoaded', () => resolve())
    : resolve(),
);
void Promise.all([import('./app/app'), parsed]).then(([{ show }]) => show(first));
