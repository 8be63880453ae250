package com.gptdesk.chat.service;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.TestDatabase;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What {@code CHAT_REFUSE_DRIFT} refuses to serve. */
class RefusedDriftTest {

  private final TestDatabase database = TestDatabase.fresh();

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void whatWasChangedByHandIsNotServed() throws Exception {
    prepare();
    database.asOwner("grant select on public.message_edits to anon");
    assertTrue(refusal().contains("message_edits"));
  }

  /** As while a {@code migrate} beside it makes the index: searches answer the same. */
  @Test
  void anIndexThatIsBeingMadeIsServed() throws Exception {
    database.asOwner(
        "comment on index public.idx_user_messages_content_search is 'search_messages, version 0'");
    prepare();
    database.asOwner("grant select on public.message_edits to anon");
    String refusal = refusal();
    assertTrue(refusal.contains("message_edits"), refusal);
    assertTrue(!refusal.contains("search"), refusal);
  }

  /** Nobody makes it: that is a difference as any other. */
  @Test
  void anIndexThatWasDroppedIsNotServed() {
    database.asOwner("drop index public.idx_user_messages_content_search");
    assertTrue(refusal().contains("idx_user_messages_content_search"));
  }

  private String refusal() {
    return String.valueOf(assertThrows(IllegalStateException.class, this::prepare).getMessage());
  }

  private void prepare() throws Exception {
    Login service = database.service();
    DatabaseSettings settings =
        Config.of(
                Map.of(
                    "CHAT_DATABASE_URL",
                    service.url(),
                    "CHAT_DATABASE_USER",
                    service.user(),
                    "CHAT_DATABASE_PASSWORD",
                    "any",
                    "CHAT_REFUSE_DRIFT",
                    "true"))
            .database();
    DatabasePreparation.prepare(
        new DatabaseSource(null, service, null), null, settings, List.of(), false);
  }
}
