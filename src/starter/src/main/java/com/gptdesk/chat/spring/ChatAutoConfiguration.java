package com.gptdesk.chat.spring;

import com.gptdesk.chat.client.LiveChanges;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.ClaimsSigner;
import java.sql.Connection;
import java.time.Duration;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.util.StringUtils;

/**
 * {@link ChatDatabase} on the application's data source, in the transaction that {@code
 * Transactional} has opened, and {@link LiveChanges} to hear changes. The database is migrated, and
 * the login verified, before either can be used.
 */
@AutoConfiguration(
    afterName = {
      "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration",
      "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration"
    })
@ConditionalOnSingleCandidate(DataSource.class)
@EnableConfigurationProperties(ChatProperties.class)
public class ChatAutoConfiguration {

  /** The beans of Boot's own Flyway, in 3.5 and 4. */
  private static final String FLYWAY = "flywayInitializer";

  private static final String MIGRATION = "chatMigration";
  private static final String ORDER = "gptdesk.chat.migration.order";

  /** A signature covers differences between clocks and the wait for a connection. */
  private static final Duration SIGNATURE = Duration.ofMinutes(1);

  @Bean
  ChatLogins chatLogins(ChatProperties properties, DataSource dataSource, Environment environment) {
    return new ChatLogins(properties, dataSource, environment);
  }

  @Bean(MIGRATION)
  ChatMigration chatMigration(ChatLogins logins) {
    return new ChatMigration(logins);
  }

  /** Lets one migration wait for the other, as the property says. */
  @Bean
  static BeanFactoryPostProcessor chatMigrationOrder(Environment environment) {
    return beans -> {
      if (beans.containsBeanDefinition(FLYWAY) && beans.containsBeanDefinition(MIGRATION)) {
        boolean before =
            Binder.get(environment)
                .bind(ORDER, ChatProperties.Order.class)
                .map(order -> order == ChatProperties.Order.BEFORE_FLYWAY)
                .orElse(false);
        BeanDefinition waiting = beans.getBeanDefinition(before ? FLYWAY : MIGRATION);
        String first = before ? MIGRATION : FLYWAY;
        waiting.setDependsOn(
            Stream.concat(
                    Stream.ofNullable(waiting.getDependsOn()).flatMap(Stream::of), Stream.of(first))
                .toArray(String[]::new));
      }
    };
  }

  @Bean
  @ConditionalOnMissingBean
  ChatDatabase chatDatabase(
      DataSource dataSource, ChatProperties properties, ChatMigration migrated) {
    String secret = properties.claimsSecret();
    return ChatDatabase.joining(dataSource, openOn(dataSource))
        .signedBy(StringUtils.hasText(secret) ? new ClaimsSigner(secret, SIGNATURE) : null);
  }

  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnProperty(name = "gptdesk.chat.live.enabled", matchIfMissing = true)
  LiveChanges liveChanges(ChatDatabase database, ChatLogins logins) {
    return LiveChanges.start(database, logins.live());
  }

  /** The connection of the transaction that this thread has open on the data source. */
  private static Supplier<@Nullable Connection> openOn(DataSource dataSource) {
    DataSource bound =
        dataSource instanceof TransactionAwareDataSourceProxy proxy
                && proxy.getTargetDataSource() != null
            ? proxy.getTargetDataSource()
            : dataSource;
    return () -> {
      if (!TransactionSynchronizationManager.isActualTransactionActive()
          || !(TransactionSynchronizationManager.getResource(bound)
              instanceof ConnectionHolder holder)) {
        return null;
      }
      if (!TransactionSynchronizationManager.isSynchronizationActive()) {
        throw new IllegalStateException(
            "This transaction has ended, so the chat cannot join it; open another one with Propagation.REQUIRES_NEW.");
      }
      return holder.getConnection();
    };
  }
}
