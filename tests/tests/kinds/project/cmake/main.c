void greet(void);

int main(void) {
    greet();
}
