import { createRoot } from 'react-dom/client';
import { App } from './app/app';
import './styles/tokens.css';
import './styles/base.css';
import './styles/chat.css';
import './styles/demo.css';

createRoot(document.getElementById('root')!).render(<App />);
