// What one sees while the rest of the page is loaded: the list as soon as it is there, a skeleton before it.
import type { SignedIn } from './start';
import { ConversationRow } from '@/components/chat/conversation-row';
import { Skeletons } from '@/components/chat/skeletons';
import { useTexts } from '@/hooks/use-texts';
import { useRoute } from '@/hooks/use-route';
import { kept } from '@/lib/keep';

/** A conversation that is chosen here is opened by the page that comes. */
export function Opening({ start }: { start?: SignedIn }) {
  const { t } = useTexts();
  const [selected, select] = useRoute('/messages');
  return (
    <div className="application" aria-busy="true">
      {start && !start.host && <header className="top-bar" />}
      <main className="application-main">
        <div className="gptdesk-chat gptdesk-chat-page">
          <div className={`messages-page${selected ? ' messages-page-open' : ''}`}>
            <div className="messages-panes">
              <section className="sidebar" aria-label={t.conversations}>
                <header className="sidebar-header">
                  <h2>{t.messages}</h2>
                  <span className="icon-button" />
                </header>
                <div className="sidebar-search">
                  <input type="search" disabled placeholder={t.searchConversations} />
                </div>
                <div className="filters">
                  <span className="filter">{t.filters.all}</span>
                </div>
                <div className="sidebar-scroll">
                  {start?.conversations ? (
                    <ul className="conversations">
                      {start.conversations.map((conversation) => (
                        <li key={conversation.id}>
                          <ConversationRow
                            conversation={conversation}
                            currentUser={start.user}
                            selected={conversation.id === selected}
                            draft={kept(`draft:${start.user.id}:${conversation.id}`)}
                            onSelect={select}
                          />
                        </li>
                      ))}
                    </ul>
                  ) : (
                    <Skeletons />
                  )}
                </div>
              </section>
              <section className="chat chat-none" />
            </div>
          </div>
        </div>
      </main>
    </div>
  );
}
