package example;

import static com.gptdesk.chat.testing.ChatAssertions.assertThat;

import com.gptdesk.chat.testing.ChatDatabase;
import com.gptdesk.chat.testing.ChatTestDatabase;
import org.junit.jupiter.api.Test;

/** Rules of one's own table, with the cast of the chat. */
@ChatDatabase(scripts = "/notes.sql")
class NotesTest {

  @Test
  void notesArePrivate(ChatTestDatabase database) {
    database.asOwner(
        "insert into notes values ('%s', 'milk'), ('%s', 'bread')"
            .formatted(database.alice().userId(), database.bob().userId()));
    assertThat(database.alice())
        .canReadOnly("notes", "author_id = :me")
        .can("update notes set body = 'milk, eggs'")
        .cannot("delete from notes");
    assertThat(database.mallory()).cannotRead("notes");
  }
}
