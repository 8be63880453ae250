package com.gptdesk.chat.testing;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;

/** All that is logged in this process while it is open, causes and context as well. */
public final class HeardLog implements AutoCloseable {
  private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private final AppenderBase<ILoggingEvent> appender =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          lines.add(
              event.getLevel()
                  + " "
                  + event.getFormattedMessage()
                  + " "
                  + event.getMDCPropertyMap()
                  + (event.getThrowableProxy() == null
                      ? ""
                      : "\n" + ThrowableProxyUtil.asString(event.getThrowableProxy())));
        }
      };

  private final Logger ours = (Logger) LoggerFactory.getLogger("com.gptdesk.chat");
  private final Level usual = ours.getLevel();

  public HeardLog() {
    ours.setLevel(Level.INFO); // as when it serves
    appender.setContext(root.getLoggerContext());
    appender.start();
    root.addAppender(appender);
  }

  /** {@return each entry with its level, context and stack trace} */
  public List<String> lines() {
    return lines;
  }

  /** {@return whether an entry holds all these words} */
  public boolean has(String... words) {
    return lines.stream().anyMatch(line -> List.of(words).stream().allMatch(line::contains));
  }

  @Override
  public void close() {
    ours.setLevel(usual);
    root.detachAppender(appender);
    appender.stop();
  }
}
