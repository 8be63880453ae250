package com.gptdesk.chat.relay.listen;

import java.time.Duration;
import java.util.function.Supplier;

/**
 * Where to listen, and how to keep the connection open.
 *
 * @param jdbcUrl {@code jdbc:postgresql://…}
 * @param user the runtime login
 * @param password its password, asked for each new connection
 * @param driver which driver listens
 * @param backstop a sleeping relay polls after so long even without a notification
 * @param heartbeat an idle connection is asked so often whether it still answers
 * @param timeout after so long without an answer a connection counts as lost; after half of it,
 *     changes count as late
 * @param connectTimeout the longest that opening a connection to one server may take
 * @param firstRetry the wait before the first new connection after a loss; each further wait is
 *     twice as long
 * @param longestRetry the longest such wait
 */
public record ListenSettings(
    String jdbcUrl,
    String user,
    Supplier<String> password,
    ListenDriver driver,
    Duration backstop,
    Duration heartbeat,
    Duration timeout,
    Duration connectTimeout,
    Duration firstRetry,
    Duration longestRetry) {

  /**
   * The defaults for everything but where to connect.
   *
   * @param jdbcUrl {@code jdbc:postgresql://…}
   * @param user the runtime login
   * @param password its password, asked for each new connection
   * @return the settings
   */
  public static ListenSettings of(String jdbcUrl, String user, Supplier<String> password) {
    return new ListenSettings(
        jdbcUrl,
        user,
        password,
        ListenDriver.PGJDBC_NG,
        Duration.ofSeconds(30),
        Duration.ofMillis(1_500),
        Duration.ofMillis(2_500),
        Duration.ofSeconds(5),
        Duration.ofMillis(100),
        Duration.ofSeconds(10));
  }

  /**
   * The same with another driver.
   *
   * @param other which driver listens
   * @return the settings
   */
  public ListenSettings withDriver(ListenDriver other) {
    return new ListenSettings(
        jdbcUrl,
        user,
        password,
        other,
        backstop,
        heartbeat,
        timeout,
        connectTimeout,
        firstRetry,
        longestRetry);
  }

  /**
   * The same with another backstop.
   *
   * @param other a sleeping relay polls after so long
   * @return the settings
   */
  public ListenSettings withBackstop(Duration other) {
    return new ListenSettings(
        jdbcUrl,
        user,
        password,
        driver,
        other,
        heartbeat,
        timeout,
        connectTimeout,
        firstRetry,
        longestRetry);
  }

  /**
   * The same with another heartbeat.
   *
   * @param every an idle connection is asked so often whether it still answers
   * @param unanswered after so long without an answer a connection counts as lost
   * @param connecting the longest that opening a connection to one server may take
   * @return the settings
   */
  public ListenSettings withHeartbeat(Duration every, Duration unanswered, Duration connecting) {
    return new ListenSettings(
        jdbcUrl,
        user,
        password,
        driver,
        backstop,
        every,
        unanswered,
        connecting,
        firstRetry,
        longestRetry);
  }

  /**
   * When a connection that owes an answer is suspected to be half open: half of the time after
   * which it counts as lost.
   *
   * @return how long it owes the answer by then
   */
  public Duration suspicion() {
    return timeout.dividedBy(2);
  }

  /** Never shows the password, which may also stand in the URL. */
  @Override
  public String toString() {
    return "ListenSettings[" + jdbcUrl.replaceFirst("\\?.*", "") + ", user=" + user + "]";
  }
}
