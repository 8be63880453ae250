package com.gptdesk.chat.policies;

import com.gptdesk.chat.database.Caller.Role;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The SQL that the service makes of a request to a table, for the lines whose way is REST. */
@FunctionalInterface
public interface RequestSql {

  /**
   * A statement.
   *
   * @param text with question marks; its one row begins with the number of rows of the answer
   * @param values what stands for them: texts and numbers
   */
  record Planned(String text, List<Object> values) {}

  /**
   * The statement of a request.
   *
   * @param method for instance {@code GET}
   * @param address the table and what follows it, not encoded: {@code user_messages?id=eq.7}
   * @param body JSON; null for none
   * @throws com.gptdesk.chat.database.Refusal this role may not ask for that, or nobody
   */
  Planned of(Role role, String method, String address, @Nullable String body);
}
