package com.gptdesk.chat.service.settings;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One environment variable.
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
  private final String wanted;
  private final Function<String, @Nullable T> parser;
  private final T otherwise;
  private final String shownDefault;
  private final String meaning;
  private final Shown shown;

  private Setting(
      String name,
      String wanted,
      Function<String, @Nullable T> parser,
      T otherwise,
      String shownDefault,
      String meaning,
      Shown shown) {
    this.name = name;
    this.wanted = wanted;
    this.parser = parser;
    this.otherwise = otherwise;
    this.shownDefault = shownDefault;
    this.meaning = meaning;
    this.shown = shown;
  }

  /**
   * Of any kind.
   *
   * @param wanted ends the sentence "… must …"
   * @param parser null, or a {@link NumberFormatException}, for what is not that
   * @param otherwise what holds when it is not set
   * @param shownDefault the same in words
   * @param meaning a few words
   */
  public static <T extends @Nullable Object> Setting<T> of(
      String name,
      String wanted,
      Function<String, @Nullable T> parser,
      T otherwise,
      String shownDefault,
      String meaning) {
    return new Setting<>(name, wanted, parser, otherwise, shownDefault, meaning, Shown.PLAIN);
  }

  /** A whole number in a range, both ends included. */
  public static Setting<Integer> number(
      String name, int otherwise, int least, int most, String meaning) {
    return of(
        name,
        range(least, most),
        within(least, most),
        otherwise,
        String.valueOf(otherwise),
        meaning);
  }

  /** A whole number in a range; nothing when it is not set. */
  public static Setting<@Nullable Integer> optionalNumber(
      String name, int least, int most, String shownDefault, String meaning) {
    return of(name, range(least, most), within(least, most), null, shownDefault, meaning);
  }

  /** A time, written as a whole number of milliseconds. */
  public static Setting<Duration> millis(
      String name, int otherwise, int least, int most, String meaning) {
    Function<String, @Nullable Integer> number = within(least, most);
    return of(
        name,
        range(least, most),
        text -> {
          Integer millis = number.apply(text);
          return millis == null ? null : Duration.ofMillis(millis);
        },
        Duration.ofMillis(otherwise),
        String.valueOf(otherwise),
        meaning);
  }

  private static String range(int least, int most) {
    return "be a whole number from %d to %d".formatted(least, most);
  }

  private static Function<String, @Nullable Integer> within(int least, int most) {
    return text -> {
      int number = Integer.parseInt(text);
      return number < least || number > most ? null : number;
    };
  }

  /** True or false. */
  public static Setting<Boolean> flag(String name, boolean otherwise, String meaning) {
    return of(
        name,
        "be true or false",
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
    return of(name, "be a text", text -> text, null, shownDefault, meaning);
  }

  /** A text that is never printed. */
  public static Setting<@Nullable String> secret(
      String name, int leastBytes, String shownDefault, String meaning) {
    return new Setting<>(
        name,
        "have at least " + leastBytes + " bytes",
        text -> text.getBytes(StandardCharsets.UTF_8).length < leastBytes ? null : text,
        null,
        shownDefault,
        meaning,
        Shown.SECRET);
  }

  /** A file or directory. */
  public static Setting<@Nullable Path> path(String name, String shownDefault, String meaning) {
    return of(name, "be a path", Setting::pathOf, null, shownDefault, meaning);
  }

  private static @Nullable Path pathOf(String text) {
    try {
      return Path.of(text).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /** An http or https address. */
  public static Setting<@Nullable URI> httpAddress(String name, String meaning) {
    return of(name, "be an http or https address", Setting::httpAddressOf, null, "none", meaning)
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
        "be origins as https://desk.example, separated by commas",
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
    return new Setting<>(name, wanted, parser, otherwise, shownDefault, meaning, howMuch);
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

  public String meaning() {
    return meaning;
  }

  public Shown shown() {
    return shown;
  }

  /** The value of this text; null when it is none. */
  @Nullable T parse(String text) {
    try {
      return parser.apply(text);
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** One sentence about a text that is none. */
  String problem() {
    return "%s must %s.".formatted(name, wanted);
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
