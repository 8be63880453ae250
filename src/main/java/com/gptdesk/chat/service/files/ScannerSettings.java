package com.gptdesk.chat.service.files;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The virus scanner that looks at each file before it is stored.
 *
 * @param address {@code clamd://host:port} or {@code unix:/path}
 * @param limit so long it may take for one file
 * @param maxBytes larger files are not scanned
 * @param refusesUnscanned whether a file that was not scanned is refused
 */
public record ScannerSettings(
    String address, Duration limit, long maxBytes, boolean refusesUnscanned) {
  private static final long MIB = 1 << 20;
  private static final int CLAMD_PORT = 3310;
  private static final String UNIX = "unix:";

  private static final Setting<@Nullable String> ADDRESS =
      Setting.address(
          "CHAT_STORAGE_SCANNER",
          "clamd://host:port or unix:/path",
          text -> socket(text) != null,
          "none",
          "the clamd of ClamAV that looks at each file before it is stored");
  private static final Setting<Duration> LIMIT =
      Setting.millis(
          "CHAT_STORAGE_SCANNER_TIMEOUT_MS",
          60_000,
          100,
          3_600_000,
          "so long the scanner may take for one file");
  private static final Setting<Integer> SIZE =
      Setting.number(
          "CHAT_STORAGE_SCANNER_MAX_MIB",
          100,
          1,
          4000,
          "larger files are not scanned; at most `StreamMaxLength` of clamd");
  private static final Setting<Boolean> UNSCANNED =
      Setting.of(
          "CHAT_STORAGE_UNSCANNED",
          "refuse or accept",
          text ->
              switch (text) {
                case "refuse" -> true;
                case "accept" -> false;
                default -> null;
              },
          true,
          "refuse",
          "what becomes of a file that was not scanned: the scanner is away or too slow, or it is too large");

  /** For help and for the document. */
  static final List<Setting<?>> SETTINGS = List.of(ADDRESS, LIMIT, SIZE, UNSCANNED);

  static @Nullable ScannerSettings from(Settings settings) {
    String address = settings.get(ADDRESS);
    Duration limit = settings.get(LIMIT);
    long maxBytes = settings.get(SIZE) * MIB;
    boolean refuses = settings.get(UNSCANNED);
    return address == null ? null : new ScannerSettings(address, limit, maxBytes, refuses);
  }

  /** Where it listens; a host's name is looked up at each call. */
  SocketAddress socket() {
    SocketAddress socket = socket(address);
    if (socket == null) {
      throw new IllegalArgumentException("Not the address of a scanner");
    }
    return socket instanceof InetSocketAddress there
        ? new InetSocketAddress(there.getHostString(), there.getPort())
        : socket;
  }

  private static @Nullable SocketAddress socket(String address) {
    try {
      if (address.startsWith(UNIX)) {
        Path path = Path.of(address.substring(UNIX.length()));
        return path.isAbsolute() ? UnixDomainSocketAddress.of(path) : null;
      }
      URI there = new URI(address);
      return "clamd".equals(there.getScheme())
              && there.getHost() != null
              && there.getUserInfo() == null
              && there.getRawPath().isEmpty()
              && there.getRawQuery() == null
          ? InetSocketAddress.createUnresolved(
              there.getHost(), there.getPort() < 0 ? CLAMD_PORT : there.getPort())
          : null;
    } catch (URISyntaxException | InvalidPathException e) {
      return null;
    }
  }
}
