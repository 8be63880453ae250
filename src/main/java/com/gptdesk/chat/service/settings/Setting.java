package com.gptdesk.chat.service.settings;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One environment variable, with all that is said of it: {@code --help}, {@code
 * docs/configuration.md}, the start-up print and the errors come from here.
 *
 * @param <T> what its text becomes; nullable where nothing holds when it is not set
 */
public final class Setting<T extends @Nullable Object> {

  /** How much of a value may be printed. */
  public enum Shown {
    /** All of it. */
    PLAIN,
    /** An address, whose query and user may be secrets. */
    ADDRESS,
    /** Only that it is set. */
    SECRET
  }

  private final String name;
  private final String demand;
  private final String range;
  private final Function<String, @Nullable T> parser;
  private final T otherwise;
  private final String shownDefault;
  private final String meaning;
  private final Shown shown;

  private Setting(
      String name,
      String demand,
      String range,
      Function<String, @Nullable T> parser,
      T otherwise,
      String shownDefault,
      String meaning,
      Shown shown) {
    this.name = name;
    this.demand = demand;
    this.range = range;
    this.parser = parser;
    this.otherwise = otherwise;
    this.shownDefault = shownDefault;
    this.meaning = meaning;
    this.shown = shown;
  }

  /**
   * Of any kind.
   *
   * @param range which values are accepted, as in "must be …"
   * @param parser null, or a {@link NumberFormatException}, for a value outside the range
   * @param otherwise what holds when it is not set
   * @param shownDefault the same in words
   * @param meaning a few words; names in {@code backticks}, as in Markdown
   */
  public static <T extends @Nullable Object> Setting<T> of(
      String name,
      String range,
      Function<String, @Nullable T> parser,
      T otherwise,
      String shownDefault,
      String meaning) {
    return new Setting<>(
        name, "be " + range, range, parser, otherwise, shownDefault, meaning, Shown.PLAIN);
  }

  /** A whole number in a range, both ends included. */
  public static Setting<Integer> number(
      String name, int otherwise, int least, int most, String meaning) {
    return number(name, otherwise, least, most, String.valueOf(otherwise), meaning, n -> n);
  }

  /** A whole number in a range; nothing when it is not set. */
  public static Setting<@Nullable Integer> optionalNumber(
      String name, int least, int most, String shownDefault, String meaning) {
    return number(name, null, least, most, shownDefault, meaning, n -> n);
  }

  /** A time, written as a whole number of milliseconds. */
  public static Setting<Duration> millis(
      String name, int otherwise, int least, int most, String meaning) {
    return number(
        name,
        Duration.ofMillis(otherwise),
        least,
        most,
        String.valueOf(otherwise),
        meaning,
        Duration::ofMillis);
  }

  private static <T extends @Nullable Object> Setting<T> number(
      String name,
      T otherwise,
      int least,
      int most,
      String shownDefault,
      String meaning,
      Function<Integer, @Nullable T> meant) {
    String range = least + " to " + most;
    return new Setting<>(
        name,
        "be a whole number from " + range,
        range,
        text -> {
          int number = Integer.parseInt(text);
          return number < least || number > most ? null : meant.apply(number);
        },
        otherwise,
        shownDefault,
        meaning,
        Shown.PLAIN);
  }

  /** True or false. */
  public static Setting<Boolean> flag(String name, boolean otherwise, String meaning) {
    return of(
        name,
        "true or false",
        text ->
            switch (text) {
              case "true" -> true;
              case "false" -> false;
              default -> null;
            },
        otherwise,
        String.valueOf(otherwise),
        meaning);
  }

  /** Any text; nothing when it is not set. */
  public static Setting<@Nullable String> text(String name, String shownDefault, String meaning) {
    return of(name, "any text", text -> text, null, shownDefault, meaning);
  }

  /** A text that is never printed. */
  public static Setting<@Nullable String> secret(
      String name, int leastBytes, String shownDefault, String meaning) {
    return leastBytes == 0
        ? text(name, shownDefault, meaning).shown(Shown.SECRET)
        : new Setting<>(
            name,
            "have at least " + leastBytes + " bytes",
            "at least " + leastBytes + " bytes",
            text -> text.getBytes(StandardCharsets.UTF_8).length < leastBytes ? null : text,
            null,
            shownDefault,
            meaning,
            Shown.SECRET);
  }

  /** A file or directory, which need not exist. */
  public static Setting<@Nullable Path> path(String name, String shownDefault, String meaning) {
    return of(name, "a path", Setting::pathOf, null, shownDefault, meaning);
  }

  /** A file that can be read now. */
  public static Setting<@Nullable Path> readableFile(
      String name, String shownDefault, String meaning) {
    return of(
        name,
        "a file that can be read",
        text -> {
          Path path = pathOf(text);
          return path != null && Files.isReadable(path) ? path : null;
        },
        null,
        shownDefault,
        meaning);
  }

  private static @Nullable Path pathOf(String text) {
    try {
      return Path.of(text).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /** An address, which may hold a login; nothing when it is not set. */
  public static Setting<@Nullable String> address(
      String name, String range, Predicate<String> accepted, String shownDefault, String meaning) {
    return of(
            name,
            range,
            (String text) -> accepted.test(text) ? text : null,
            (@Nullable String) null,
            shownDefault,
            meaning)
        .shown(Shown.ADDRESS);
  }

  /** The address of a PostgreSQL database. */
  public static Setting<@Nullable String> jdbcAddress(
      String name, String shownDefault, String meaning) {
    return address(
        name,
        "jdbc:postgresql://…",
        text -> text.startsWith("jdbc:postgresql://"),
        shownDefault,
        meaning);
  }

  /** An http or https address. */
  public static Setting<@Nullable URI> httpAddress(String name, String meaning) {
    return of(name, "an http or https address", Setting::httpAddressOf, null, "none", meaning)
        .shown(Shown.ADDRESS);
  }

  private static @Nullable URI httpAddressOf(String text) {
    try {
      URI address = new URI(text);
      return Set.of("http", "https").contains(String.valueOf(address.getScheme()))
              && address.getHost() != null
          ? address
          : null;
    } catch (URISyntaxException e) {
      return null;
    }
  }

  /** Origins as a browser writes them, separated by commas. */
  public static Setting<List<String>> origins(
      String name, List<String> otherwise, String shownDefault, String meaning) {
    return of(
        name,
        (otherwise.contains("*") ? "* or " : "")
            + "origins such as https://desk.example, separated by commas",
        text -> {
          List<String> origins = listOf(text);
          return (text.equals("*") && otherwise.contains("*"))
                  || origins.stream()
                      .allMatch(origin -> origin.matches("https?://[a-zA-Z0-9.\\-]+(:\\d{1,5})?"))
              ? origins
              : null;
        },
        otherwise,
        shownDefault,
        meaning);
  }

  /** What stands between commas. */
  public static List<String> listOf(String text) {
    return List.of(text.split("\\s*,\\s*", -1));
  }

  /** The same, of which so much may be printed. */
  public Setting<T> shown(Shown howMuch) {
    return new Setting<>(name, demand, range, parser, otherwise, shownDefault, meaning, howMuch);
  }

  public String name() {
    return name;
  }

  /** What holds when it is not set. */
  public T otherwise() {
    return otherwise;
  }

  /** {@link #otherwise} in words. */
  public String shownDefault() {
    return shownDefault;
  }

  /** Which values are accepted, in words. */
  public String range() {
    return range;
  }

  /** A few words of Markdown. */
  public String meaning() {
    return meaning;
  }

  public Shown shown() {
    return shown;
  }

  /** The value of this text; null when it is outside the range. */
  @Nullable T parse(String text) {
    try {
      return parser.apply(text);
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** One sentence about a text outside the range: an address may hold a password in any place. */
  String problem(String text) {
    return shown == Shown.PLAIN
        ? "%s must %s, and is %s.".formatted(name, demand, text)
        : "%s must %s; its value is not shown.".formatted(name, demand);
  }

  /** So much of this value as may be printed. */
  String print(String value) {
    return switch (shown) {
      case PLAIN -> value;
      case ADDRESS -> value.replaceFirst("[?#].*", "?…").replaceAll("//[^/]*@", "//…@");
      case SECRET -> "(set, not shown)";
    };
  }

  @Override
  public String toString() {
    return name;
  }
}
