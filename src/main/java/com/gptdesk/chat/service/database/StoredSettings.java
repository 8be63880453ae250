package com.gptdesk.chat.service.database;

import com.gptdesk.chat.database.connection.Login;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import org.jspecify.annotations.Nullable;

/**
 * What the environment sets in {@code chat.settings}, where DBAs change it too.
 *
 * @param maxMessageLength in characters; null leaves what stands there
 * @param typingTimeout in milliseconds; null leaves what stands there
 * @param claimsSecret signs claims, the one of before stays known, for nodes that still use it;
 *     null leaves what stands there
 */
public record StoredSettings(
    @Nullable Integer maxMessageLength,
    @Nullable Integer typingTimeout,
    @Nullable String claimsSecret) {

  /** Writes them as the database's owner. */
  public void write(Login owner) {
    if (maxMessageLength == null && typingTimeout == null && claimsSecret == null) {
      return;
    }
    try (Connection connection = owner.connect();
        PreparedStatement update =
            connection.prepareStatement(
                "update chat.settings set max_message_length = coalesce(?, max_message_length),"
                    + " typing_timeout_ms = coalesce(?, typing_timeout_ms),"
                    + " previous_claims_secret = case when claims_secret <> ? then claims_secret else previous_claims_secret end,"
                    + " claims_secret = coalesce(?, claims_secret)")) {
      update.setObject(1, maxMessageLength, Types.INTEGER);
      update.setObject(2, typingTimeout, Types.INTEGER);
      update.setObject(3, claimsSecret, Types.VARCHAR);
      update.setObject(4, claimsSecret, Types.VARCHAR);
      update.executeUpdate();
    } catch (SQLException e) {
      throw new IllegalStateException("Could not write chat.settings", e);
    }
  }

  /** Without the secret. */
  @Override
  public String toString() {
    return "StoredSettings[%s, %s]".formatted(maxMessageLength, typingTimeout);
  }
}
