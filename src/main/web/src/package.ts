// The npm package: the parts and their one style sheet.
import './styles/tokens.css';
import './styles/chat.css';

export * from './index';
