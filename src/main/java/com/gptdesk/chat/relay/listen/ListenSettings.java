package com.gptdesk.chat.relay.listen;

import java.time.Duration;

/**
 * Where to listen, and how to keep the connection open.
 *
 * @param jdbcUrl {@code jdbc:postgresql://…}
 * @param user the runtime login
 * @param password its password
 * @param driver which driver listens
 * @param backstop a connection that is silent for so long is checked
 * @param timeout after so long without an answer a connection counts as lost
 * @param firstRetry the wait before the first new connection after a loss; each further wait is
 *     twice as long
 * @param longestRetry the longest such wait
 */
public record ListenSettings(
    String jdbcUrl,
    String user,
    String password,
    ListenDriver driver,
    Duration backstop,
    Duration timeout,
    Duration firstRetry,
    Duration longestRetry) {

  /**
   * The defaults for everything but where to connect.
   *
   * @param jdbcUrl {@code jdbc:postgresql://…}
   * @param user the runtime login
   * @param password its password
   * @return the settings
   */
  public static ListenSettings of(String jdbcUrl, String user, String password) {
    return new ListenSettings(
        jdbcUrl,
        user,
        password,
        ListenDriver.PGJDBC_NG,
        Duration.ofSeconds(30),
        Duration.ofSeconds(30),
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
        jdbcUrl, user, password, other, backstop, timeout, firstRetry, longestRetry);
  }

  /**
   * The same with another backstop.
   *
   * @param other a connection that is silent for so long is checked
   * @return the settings
   */
  public ListenSettings withBackstop(Duration other) {
    return new ListenSettings(
        jdbcUrl, user, password, driver, other, timeout, firstRetry, longestRetry);
  }

  /** Never shows the password, which may also stand in the URL. */
  @Override
  public String toString() {
    return "ListenSettings[" + jdbcUrl.replaceFirst("\\?.*", "") + ", user=" + user + "]";
  }
}
