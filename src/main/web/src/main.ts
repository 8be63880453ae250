// The page's first file: small, so that the service is asked while the browser loads what shows the answers.
import { sayNotLoaded } from './app/not-loaded';
import { begin } from './app/start';
import './lib/notification-clicks';
import './styles/tokens.css';
import './styles/base.css';
import './styles/chat.css';
import './styles/demo.css';

const PAUSE = 500; // milliseconds before the browser is asked for it once more

const first = begin();
// It waits for no style sheet, so perhaps not even for the end of the document.
const parsed = new Promise<void>((resolve) =>
  document.readyState === 'loading'
    ? document.addEventListener('DOMContentLoaded', () => resolve())
    : resolve(),
);
const load = () => import('./app/app');
const app = load().catch(async () => {
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  return load();
});
void Promise.all([app, parsed]).then(([{ show }]) => show(first), sayNotLoaded);
