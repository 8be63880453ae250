package com.gptdesk.chat.relay;

import com.gptdesk.chat.relay.listen.ListenDriver;
import com.gptdesk.chat.relay.listen.ListenSettings;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the relay connects, and how often it polls.
 *
 * @param listening where it connects, also to read; a sleeping relay polls after its {@code
 *     backstop} even without a notification
 * @param pause the shortest pause between two polls while changes come; it grows with the length of
 *     a poll
 * @param calm after so long without a change the relay tries to fall asleep
 * @param maxRows the most changes that one poll brings; bounds memory
 * @param claims makes signed claims for the role {@code chat_relay}, called every ten seconds; null
 *     where the database does not check signatures
 */
public record RelaySettings(
    ListenSettings listening,
    Duration pause,
    Duration calm,
    int maxRows,
    @Nullable Supplier<String> claims) {

  /**
   * The defaults for everything but where to connect.
   *
   * @param jdbcUrl {@code jdbc:postgresql://…}; a URL that names the login or its password itself
   *     is fine, too
   * @param user the runtime login, a member of {@code chat_service}
   * @param password its password
   * @return the settings
   */
  public static RelaySettings of(String jdbcUrl, String user, String password) {
    return of(jdbcUrl, user, () -> password);
  }

  /**
   * The same with a password that may change.
   *
   * @param jdbcUrl {@code jdbc:postgresql://…}
   * @param user the runtime login, a member of {@code chat_service}
   * @param password its password, asked for each new connection
   * @return the settings
   */
  public static RelaySettings of(String jdbcUrl, String user, Supplier<String> password) {
    return new RelaySettings(
        ListenSettings.of(jdbcUrl, user, password),
        Duration.ofMillis(1),
        Duration.ofMillis(30),
        50_000,
        null);
  }

  /**
   * The same with another driver.
   *
   * @param driver the driver that listens
   * @return the settings
   */
  public RelaySettings withDriver(ListenDriver driver) {
    return new RelaySettings(listening.withDriver(driver), pause, calm, maxRows, claims);
  }

  /**
   * The same with another pace.
   *
   * @param pause between two polls while changes come
   * @param calm after so long without a change the relay tries to fall asleep
   * @param backstop a sleeping relay polls after so long
   * @return the settings
   */
  public RelaySettings withPace(Duration pause, Duration calm, Duration backstop) {
    return new RelaySettings(listening.withBackstop(backstop), pause, calm, maxRows, claims);
  }

  /**
   * The same with another heartbeat, which bounds how long changes can be late without notice when
   * a connection is half open.
   *
   * @param every an idle connection is asked so often whether it still answers
   * @param unanswered after so long without an answer a connection is replaced
   * @param connecting the longest that opening a connection to one server may take
   * @return the settings
   */
  public RelaySettings withHeartbeat(Duration every, Duration unanswered, Duration connecting) {
    return new RelaySettings(
        listening.withHeartbeat(every, unanswered, connecting), pause, calm, maxRows, claims);
  }

  /**
   * The same with another bound on the changes of one poll.
   *
   * @param rows the most that one poll brings; what is more comes by the next
   * @return the settings
   */
  public RelaySettings withMaxRows(int rows) {
    return new RelaySettings(listening, pause, calm, rows, claims);
  }

  /**
   * The same for a database that believes signed claims alone.
   *
   * @param signed makes signed claims of the role {@code chat_relay}
   * @return the settings
   */
  public RelaySettings withClaims(@Nullable Supplier<String> signed) {
    return new RelaySettings(listening, pause, calm, maxRows, signed);
  }
}
