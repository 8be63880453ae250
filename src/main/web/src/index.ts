// What an application uses. A part on its own stands inside an element of class gptdesk-chat; MessagesPage and MessagesNavItem bring it.
export { ConversationsList } from './components/chat/conversations-list';
export { ConversationItem } from './components/chat/conversation-item';
export { EmptyState } from './components/chat/empty-state';
export { MessageBubble } from './components/chat/message-bubble';
export { MessageInput } from './components/chat/message-input';
export { MessagesNavItem, messagesNavigation } from './components/chat/messages-nav-item';
export { MessagesPage } from './components/chat/messages-page';
export { NewChatDialog } from './components/chat/new-chat-dialog';
export { TypingIndicator } from './components/chat/typing-indicator';
export { UserChatInterface } from './components/chat/user-chat-interface';
export { ChatProvider, useChat, useSettings, useUnreadCount } from './hooks/use-chat';
export { useRealtimeChat } from './hooks/use-realtime-chat';
export { DEFAULT_SETTINGS, readSettings, type ChatSettings } from './lib/settings';
export { createSupabaseClient, SignedOut } from './lib/supabase';
export { UserChatAPI } from './lib/user-chat';
export { answeredBy } from './lib/types';
export type * from './lib/types';
export type { Language } from './texts';
