package com.gptdesk.chat.testing;

import static com.gptdesk.chat.testing.ChatAssertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.gptdesk.chat.client.UserChat;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Tests of one's own tables, by the database and the assertions of the tests' jar. */
@com.gptdesk.chat.testing.ChatDatabase(scripts = "/testing/notes.sql")
class ChatDatabaseExtensionTest {

  private static final String OTHERS = "select from notes where author_id <> :me";

  @BeforeEach
  void write(ChatTestDatabase database) {
    for (UserChat author : new UserChat[] {database.alice(), database.bob()}) {
      database.asOwner("insert into notes values ('%s', 'hers')".formatted(author.userId()));
    }
  }

  @Test
  void peopleSeeTheirOwnNotesAlone(ChatTestDatabase database) {
    assertThat(database.alice())
        .canRead("notes")
        .canReadOnly("notes", "author_id = :me")
        .can("update notes set body = 'mine'")
        .cannot("delete from notes")
        .cannot(OTHERS);
    assertThat(database.mallory()).cannotRead("notes");
  }

  @Test
  void nothingOfATrialStays(ChatTestDatabase database) {
    assertThat(database.alice()).can("update notes set body = 'mine'");
    assertThat(database.alice()).canReadOnly("notes", "author_id = :me and body = 'hers'");
  }

  @Test
  void aPolicyThatShowsTooMuchIsFound(ChatTestDatabase database) {
    database.asOwner("create policy open on notes for select to authenticated using (true)");
    fails("2", () -> assertThat(database.mallory()).cannotRead("notes"));
    fails("1", () -> assertThat(database.alice()).canReadOnly("notes", "author_id = :me"));
    fails("1", () -> assertThat(database.alice()).cannot(OTHERS));
  }

  @Test
  void aPolicyThatShowsTooLittleIsFound(ChatTestDatabase database) {
    database.asOwner("drop policy own on notes");
    fails("-", () -> assertThat(database.alice()).canRead("notes"));
    fails("-", () -> assertThat(database.alice()).canReadOnly("notes", "author_id = :me"));
    fails("-", () -> assertThat(database.alice()).can("update notes set body = 'mine'"));
  }

  @Test
  void whatNobodyFindsProvesNothing(ChatTestDatabase database) {
    AssertionError no =
        assertThrows(
            AssertionError.class,
            () -> assertThat(database.mallory()).cannot("select from notes where body = 'theirs'"));
    assertTrue(no.getMessage().startsWith("This proves nothing"), no::getMessage);
    database.asOwner("delete from notes");
    assertThrows(AssertionError.class, () -> assertThat(database.mallory()).cannotRead("notes"));
    assertThrows(AssertionError.class, () -> assertThat(database.mallory()).cannotRead("nots"));
  }

  @Test
  void aPersonOfAnotherDatabaseIsRefused(ChatTestDatabase database) {
    UserChat somebody =
        new UserChat(new ChatDatabase(database.service().dataSource()), UUID.randomUUID());
    assertThrows(IllegalArgumentException.class, () -> assertThat(somebody));
  }

  /** Of the class around them, and new for each test. */
  @Nested
  class Inner {

    @Test
    void hasTheNotesOfItsOwnTest(ChatTestDatabase database) {
      assertThat(database.bob()).canReadOnly("notes", "author_id = :me");
    }
  }

  /** Where a container engine answers and has the image. */
  @Nested
  @com.gptdesk.chat.testing.ChatDatabase(image = "postgres:18", scripts = "/testing/notes.sql")
  @EnabledIf(value = "found", disabledReason = "no container engine, or not its image")
  class InAContainer {

    static boolean found() {
      return ContainerEngine.has("postgres:18");
    }

    @RepeatedTest(2)
    void eachTestHasADatabase(ChatTestDatabase database) {
      assertThat(database.bob()).canReadOnly("notes", "author_id = :me");
      database.alice().getOrCreateConversation(database.bob().userId());
      assertEquals(1, database.alice().getConversations().size());
    }
  }

  /** Of a server that is there. */
  @Nested
  @com.gptdesk.chat.testing.ChatDatabase(
      url = "${chat.notes.url}",
      user = "postgres",
      password = "${chat.notes.password}",
      scripts = "/testing/notes.sql")
  class AtAnAddress {

    private static final EmbeddedDatabase SERVER = EmbeddedDatabase.temporary(false);

    @BeforeAll
    static void tell() {
      Login superuser = SERVER.at(SERVER.superuser(), "chat");
      System.setProperty("chat.notes.url", superuser.url());
      System.setProperty("chat.notes.password", superuser.password());
    }

    @AfterAll
    static void stop() {
      SERVER.close();
    }

    @RepeatedTest(2)
    void itIsUsedByEachTest(ChatTestDatabase database) {
      assertThat(database.bob()).canReadOnly("notes", "author_id = :me");
    }

    @Test
    void whoOpensItTooTakesNobodysPasswordAway(ChatTestDatabase database) {
      ChatTestDatabase another = ChatTestDatabase.in(SERVER.at(SERVER.superuser(), "chat"));
      assertEquals(another.service(), database.service());
      assertEquals(0, database.alice().getConversations().size());
    }
  }

  private static void fails(String outcome, Runnable assertion) {
    AssertionError no = assertThrows(AssertionError.class, assertion::run);
    assertEquals(outcome, no.getMessage().replaceAll("(?s).*The outcome was ([^:]*):.*", "$1"));
  }
}
