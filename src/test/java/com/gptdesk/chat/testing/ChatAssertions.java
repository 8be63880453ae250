package com.gptdesk.chat.testing;

import com.gptdesk.chat.client.UserChat;

/**
 * What people may do with your own tables:
 *
 * <pre>{@code
 * assertThat(database.alice()).canReadOnly("notes", "author_id = :me");
 * assertThat(database.mallory()).cannotRead("notes");
 * }</pre>
 */
public final class ChatAssertions {

  private ChatAssertions() {}

  /**
   * Begins to say what this person may do.
   *
   * @param person of a {@link ChatTestDatabase}
   * @return what can be said
   * @throws IllegalArgumentException the person is of another database, where nobody is known who
   *     may look past the policies
   */
  public static PersonAssert assertThat(UserChat person) {
    if (person.database() instanceof ChatTestDatabase.Chat chat) {
      return new PersonAssert(chat.owner(), person.userId());
    }
    throw new IllegalArgumentException("This person is not of a ChatTestDatabase");
  }
}
