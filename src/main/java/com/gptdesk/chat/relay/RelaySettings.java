package com.gptdesk.chat.relay;

import com.gptdesk.chat.relay.listen.ListenDriver;
import com.gptdesk.chat.relay.listen.ListenSettings;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the relay connects, and how often it polls.
 *
 * @param jdbcUrl {@code jdbc:postgresql://…}; a URL that names the login or its password itself is
 *     fine, too
 * @param user the runtime login, a member of {@code chat_service}
 * @param password its password
 * @param driver the driver that listens
 * @param pause the shortest pause between two polls while changes come; it grows with the length of
 *     a poll
 * @param calm after so long without a change the relay tries to fall asleep
 * @param backstop a sleeping relay polls after so long even without a notification
 * @param maxRows the most changes that one poll brings; bounds memory
 * @param timeout after so long without an answer a connection counts as lost
 * @param firstRetry the wait before the first new connection after a loss; each further wait is
 *     twice as long
 * @param longestRetry the longest such wait
 * @param claims makes signed claims for the role {@code chat_relay}, called every ten seconds; null
 *     where the database does not check signatures
 */
public record RelaySettings(
    String jdbcUrl,
    String user,
    String password,
    ListenDriver driver,
    Duration pause,
    Duration calm,
    Duration backstop,
    int maxRows,
    Duration timeout,
    Duration firstRetry,
    Duration longestRetry,
    @Nullable Supplier<String> claims) {

  /**
   * The defaults for everything but where to connect.
   *
   * @param jdbcUrl {@code jdbc:postgresql://…}
   * @param user the runtime login
   * @param password its password
   * @return the settings
   */
  public static RelaySettings of(String jdbcUrl, String user, String password) {
    return new RelaySettings(
        jdbcUrl,
        user,
        password,
        ListenDriver.PGJDBC_NG,
        Duration.ofMillis(1),
        Duration.ofMillis(30),
        Duration.ofSeconds(30),
        50_000,
        Duration.ofSeconds(30),
        Duration.ofMillis(100),
        Duration.ofSeconds(10),
        null);
  }

  /**
   * The same with another driver.
   *
   * @param listenDriver the driver that listens
   * @return the settings
   */
  public RelaySettings withDriver(ListenDriver listenDriver) {
    return new RelaySettings(
        jdbcUrl,
        user,
        password,
        listenDriver,
        pause,
        calm,
        backstop,
        maxRows,
        timeout,
        firstRetry,
        longestRetry,
        claims);
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
    return new RelaySettings(
        jdbcUrl,
        user,
        password,
        driver,
        pause,
        calm,
        backstop,
        maxRows,
        timeout,
        firstRetry,
        longestRetry,
        claims);
  }

  /**
   * The same with another bound on the changes of one poll.
   *
   * @param rows the most that one poll brings; what is more comes by the next
   * @return the settings
   */
  public RelaySettings withMaxRows(int rows) {
    return new RelaySettings(
        jdbcUrl,
        user,
        password,
        driver,
        pause,
        calm,
        backstop,
        rows,
        timeout,
        firstRetry,
        longestRetry,
        claims);
  }

  /**
   * The same for a database that believes signed claims alone.
   *
   * @param signed makes signed claims of the role {@code chat_relay}
   * @return the settings
   */
  public RelaySettings withClaims(@Nullable Supplier<String> signed) {
    return new RelaySettings(
        jdbcUrl,
        user,
        password,
        driver,
        pause,
        calm,
        backstop,
        maxRows,
        timeout,
        firstRetry,
        longestRetry,
        signed);
  }

  /**
   * What the listening connection needs of these.
   *
   * @return the settings
   */
  public ListenSettings listening() {
    return new ListenSettings(
        jdbcUrl, user, password, driver, backstop, timeout, firstRetry, longestRetry);
  }

  /** Never shows the password, which may also stand in the URL. */
  @Override
  public String toString() {
    return "RelaySettings["
        + jdbcUrl.replaceFirst("\\?.*", "")
        + ", user="
        + user
        + ", driver="
        + driver
        + "]";
  }
}
