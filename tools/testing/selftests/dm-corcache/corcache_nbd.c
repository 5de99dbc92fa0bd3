// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache_nbd - connects an nbd device to a server again, while it is in use.
 *
 *   corcache_nbd connect INDEX PORT BYTES TIMEOUT DEAD	/dev/nbdINDEX, of so many
 *		bytes, to the server on 127.0.0.1:PORT.  A request that is not
 *		answered in TIMEOUT seconds ends the connection; without any,
 *		requests wait DEAD seconds for another one
 *   corcache_nbd reconnect INDEX PORT	give it another one
 *
 * The kernel's driver can do that (NBD_CMD_RECONFIGURE), and a host that is to
 * outlive restarts of its image server wants it; nbd-client 3.24 cannot.
 *
 * Exit status: 0 fine; 64 usage; 70 something failed, it says what.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EXIT_USAGE = 64, EXIT_OTHER = 70 };

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(EXIT_OTHER);
}

/* ---- the server ---- */

static void get(int fd, void *buf, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = read(fd, (char *)buf + done, bytes - done);

		if (n <= 0)
			die("handshake");
		done += n;
	}
}

/* Fixed newstyle handshake, default export, up to where requests are sent. */
static int server(int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct __attribute__((packed)) {
		uint32_t flags;		/* fixed newstyle, no zeroes */
		uint64_t magic;
		uint32_t option;	/* NBD_OPT_EXPORT_NAME */
		uint32_t length;
	} hello = { htobe32(3), htobe64(0x49484156454f5054ULL), htobe32(1), 0 };
	char greeting[18], answer[10];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	get(fd, greeting, sizeof(greeting));
	if (memcmp(greeting, "NBDMAGICIHAVEOPT", 16))
		die("not the newstyle handshake");
	if (write(fd, &hello, sizeof(hello)) != sizeof(hello))
		die("handshake");
	/* size and flags */
	get(fd, answer, sizeof(answer));
	return fd;
}

/* ---- netlink ---- */

static struct {
	struct nlmsghdr head;
	struct genlmsghdr genl;
	char attrs[1024];
} msg;
static int netlink;

static void begin(uint16_t family, uint8_t command)
{
	memset(&msg, 0, sizeof(msg));
	msg.head.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	msg.head.nlmsg_type = family;
	msg.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	msg.genl.cmd = command;
	msg.genl.version = 1;
}

static struct nlattr *put(uint16_t type, const void *data, size_t bytes)
{
	struct nlattr *attr = (void *)((char *)&msg + msg.head.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + bytes;
	if (bytes)
		memcpy((char *)attr + NLA_HDRLEN, data, bytes);
	msg.head.nlmsg_len += NLA_ALIGN(attr->nla_len);
	return attr;
}

static void put32(uint16_t type, uint32_t value) { put(type, &value, sizeof(value)); }
static void put64(uint16_t type, uint64_t value) { put(type, &value, sizeof(value)); }

static void end(struct nlattr *nest)
{
	nest->nla_len = (char *)&msg + msg.head.nlmsg_len - (char *)nest;
}

/* Sends what was put together.  @family: where to keep the id of an answer. */
static void talk(const char *what, uint16_t *family)
{
	char buf[8192];
	struct nlmsghdr *head;
	int n;

	if (send(netlink, &msg, msg.head.nlmsg_len, 0) < 0)
		die(what);
	for (;;) {
		n = recv(netlink, buf, sizeof(buf), 0);
		if (n < 0)
			die(what);
		for (head = (void *)buf; NLMSG_OK(head, (unsigned int)n);
		     head = NLMSG_NEXT(head, n)) {
			if (head->nlmsg_type == NLMSG_ERROR) {
				errno = -((struct nlmsgerr *)NLMSG_DATA(head))->error;
				if (errno)
					die(what);
				return;
			}
			if (family) {
				struct nlattr *attr =
					(void *)((char *)NLMSG_DATA(head) + GENL_HDRLEN);

				while (attr->nla_type != CTRL_ATTR_FAMILY_ID)
					attr = (void *)((char *)attr + NLA_ALIGN(attr->nla_len));
				memcpy(family, (char *)attr + NLA_HDRLEN, sizeof(*family));
			}
		}
	}
}

static uint16_t nbd_family(void)
{
	uint16_t family = 0;

	begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	put(CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME, sizeof(NBD_GENL_FAMILY_NAME));
	talk("the nbd driver's netlink family", &family);
	return family;
}

static void put_socket(int fd)
{
	struct nlattr *sockets = put(NBD_ATTR_SOCKETS | NLA_F_NESTED, NULL, 0);
	struct nlattr *item = put(NBD_SOCK_ITEM | NLA_F_NESTED, NULL, 0);

	put32(NBD_SOCK_FD, fd);
	end(item);
	end(sockets);
}

int main(int argc, char **argv)
{
	int reconnect = argc == 4 && !strcmp(argv[1], "reconnect");
	uint16_t family;

	if (!reconnect && (argc != 7 || strcmp(argv[1], "connect"))) {
		fprintf(stderr, "usage: corcache_nbd connect INDEX PORT BYTES TIMEOUT DEAD\n"
			"       corcache_nbd reconnect INDEX PORT\n");
		return EXIT_USAGE;
	}
	netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (netlink < 0)
		die("netlink");
	family = nbd_family();
	begin(family, reconnect ? NBD_CMD_RECONFIGURE : NBD_CMD_CONNECT);
	put32(NBD_ATTR_INDEX, atoi(argv[2]));
	if (!reconnect) {
		put64(NBD_ATTR_SIZE_BYTES, strtoull(argv[4], NULL, 10));
		put64(NBD_ATTR_BLOCK_SIZE_BYTES, 512);
		put64(NBD_ATTR_TIMEOUT, atoi(argv[5]));
		put64(NBD_ATTR_DEAD_CONN_TIMEOUT, atoi(argv[6]));
		put64(NBD_ATTR_SERVER_FLAGS, NBD_FLAG_HAS_FLAGS | NBD_FLAG_READ_ONLY);
	}
	put_socket(server(atoi(argv[3])));
	talk(argv[1], NULL);
	return 0;
}
